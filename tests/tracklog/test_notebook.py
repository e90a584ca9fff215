"""What notebooks show of a log and of a track."""

from __future__ import annotations

import re
from pathlib import Path

from tests.tracklog.logs import FRAMES, made_log
from vidtrack import TrackLog

EVIL = "<script>alert(1)</script>"


def test_a_notebook_shows_a_filmstrip_and_a_table(log: TrackLog) -> None:
    shown = log._repr_html_()
    assert shown.count("<image href=") == 5
    assert "0.04 s, frame 1" in shown
    assert re.findall(r"<td[^>]*>([^<]*)</td>", shown)[6:12] == ["2", "car", "0.04 s", "0.08 s", "2", "0.50"]
    assert log.tracks[1]._repr_html_().count("<img") == 2


def test_a_notebook_says_that_the_clip_is_missing_and_runs_nothing_of_a_log(tmp_path: Path) -> None:
    names = (EVIL, "car", "truck")
    log = TrackLog.load(made_log(tmp_path / "clip.tracks.jsonl", FRAMES, names=names))
    shown = log._repr_html_() + log.tracks[1]._repr_html_()
    assert "<script" not in shown and "&lt;script&gt;" in shown
    assert "cannot find clip.mp4" in shown
