"""Times of frames where the container has none, begins late or starts its clock again."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.media import Clip, write_clip
from tests.video.ffmpeg import ffmpeg
from tests.video.reading import read
from vidtrack.video import VideoReader


def test_stream_start_is_subtracted(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.ts", Clip(frames=5))
    with VideoReader(path) as reader:
        assert reader.info.start_pts > 0
        assert [f.seconds for f in reader] == [Fraction(i, 25) for i in range(5)]


def test_containers_without_times_count_by_the_frame_rate(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.avi", Clip(frames=20, numbered=True))
    frames = read(path)
    assert [f.seconds for f in frames] == [Fraction(i, 25) for i in range(20)]
    assert [round(f.image.mean() / 8) for f in frames] == list(range(20))


def test_a_clock_reset_does_not_turn_time_back(tmp_path: Path) -> None:
    part = write_clip(tmp_path / "part.ts", Clip(frames=20))
    joined = tmp_path / "joined.ts"
    joined.write_bytes(part.read_bytes() * 2)
    with VideoReader(joined) as reader:
        times = [f.seconds for f in reader]
        assert [p.message for p in reader.problems] == ["the clock is reset: times continue from there"]
    assert times == [Fraction(i, 25) for i in range(40)]


def test_frames_without_times_at_the_start_come_before_those_with_times(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4", Clip(frames=70, options={"preset": "ultrafast", "g": "25"}))
    ffmpeg("-ss", 0.5, "-i", source, "-c", "copy", "-avoid_negative_ts", "disabled", tmp_path / "a.mkv")
    with VideoReader(tmp_path / "a.mkv") as reader:
        assert [frame.seconds for frame in reader] == [Fraction(n, 25) for n in range(70)]
        assert [p.message for p in reader.problems] == ["frames without a time are placed by the frame rate"]
        assert reader.info.duration_seconds == Fraction(70, 25)


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
@pytest.mark.parametrize("encoder", ["libx264", "mpeg4", "mjpeg"])
def test_no_frame_lies_before_zero(tmp_path: Path, suffix: str, encoder: str) -> None:
    pixels = "yuvj420p" if encoder == "mjpeg" else "yuv420p"
    options = {"strict": "unofficial"} if encoder == "mjpeg" else {"g": "25"}
    clip = Clip(frames=70, encoder=encoder, pixel_format=pixels, options=options)
    source = write_clip(tmp_path / f"a{suffix}", clip)
    for flags in ((), ("-avoid_negative_ts", "disabled"), ("-use_editlist", 0)):
        cut = tmp_path / f"cut{suffix}"
        ffmpeg("-ss", 0.5, "-i", source, "-c", "copy", *flags, cut)
        with VideoReader(cut) as reader:
            times = [frame.seconds for frame in reader]
        assert times[0] >= 0
        assert times == sorted(set(times))
