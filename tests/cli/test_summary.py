"""Closing lines and the table of a batch."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidtrack.batch.config import BatchResult
from vidtrack.batch.engine import Outcome
from vidtrack.batch.plan import Job
from vidtrack.cli.summary import clock, print_summary


def test_clock() -> None:
    assert [clock(s) for s in (0, 59.6, 61, 3600, 36061)] == ["0:00", "1:00", "1:01", "1:00:00", "10:01:01"]


def test_a_path_in_a_log_file_is_on_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    log = tmp_path / "a folder with a long name" / ("clip" * 20 + ".tracks.jsonl")
    print_summary(BatchResult(tmp_path, (Outcome(Job(Path("clip.mp4"), None, log), "complete"),), (), (), 0))
    assert str(log) in capsys.readouterr().err
