"""Starts, durations and clocks that files state oddly."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.media import Clip, write_clip
from tests.video.ffmpeg import ffmpeg
from vidtrack.video import ReadConfig, VideoReader


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".ts"])
def test_a_clip_that_begins_late_lasts_as_long_as_it_does(tmp_path: Path, suffix: str) -> None:
    source, late = write_clip(tmp_path / "a.mp4", Clip(frames=50)), tmp_path / f"late{suffix}"
    ffmpeg("-i", source, "-c", "copy", "-output_ts_offset", 3600, late)
    with VideoReader(late) as reader:
        frames = list(reader)
        assert not reader.truncated and reader.problems == []
        assert reader.expected == len(frames) == 50
    assert abs(reader.info.duration_seconds - 2) < Fraction(1, 20)
    assert (frames[0].seconds, frames[-1].seconds) == (0, Fraction(49, 25))


@pytest.mark.parametrize("order", ["forward", "back", "alike"])
def test_joined_recordings_are_as_long_as_their_parts(tmp_path: Path, order: str) -> None:
    early, late = write_clip(tmp_path / "early.ts", Clip(frames=100)), tmp_path / "late.ts"
    ffmpeg("-i", early, "-c", "copy", "-output_ts_offset", 3600, late)
    parts = {"forward": (early, late), "back": (late, early), "alike": (early, early)}[order]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    with VideoReader(joined) as reader:
        frames = list(reader)
        assert [p.message for p in reader.problems] == ["the clock is reset: times continue from there"]
        assert not reader.truncated
    assert reader.info.duration_seconds is None or reader.info.duration_seconds < 10
    assert [frame.seconds for frame in frames] == [Fraction(n, 25) for n in range(200)]
    with VideoReader(joined, ReadConfig(start_seconds=Fraction(6))) as reader:
        assert [(frame.index, frame.pts) for frame in reader] == [(frame.index, frame.pts) for frame in frames[150:]]
