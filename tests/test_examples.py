"""The scripts in examples/ run as they stand."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from tests.media import EXAMPLE_CLIP, Clip, write_clip
from vidtrack import TrackLog

EXAMPLES = EXAMPLE_CLIP.parent


def test_a_clip_is_tracked_and_its_log_read(
    tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=12))
    runpy.run_path(str(EXAMPLES / "track_a_clip.py"))["main"](str(clip), str(tmp_path / "out"), str(tiny_checkpoint))
    assert "6/6 frames" in capsys.readouterr().err
    assert (tmp_path / "out" / "clip.tracked.mp4").exists()

    log_path = tmp_path / "out" / "clip.tracks.jsonl"
    runpy.run_path(str(EXAMPLES / "read_a_log.py"))["main"](str(log_path))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(TrackLog.load(log_path).tracks) > 0
    assert any("person" in line or "car" in line for line in lines)
