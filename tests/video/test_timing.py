"""Starts, durations and clocks that files state oddly."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.media import Clip, cut_off, faststart, write_clip
from tests.video.ffmpeg import ffmpeg
from vidtrack.core.errors import MisfitError
from vidtrack.video import ReadConfig, VideoReader, probe


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


@pytest.mark.parametrize("share", [0.999, 0.9, 0.73, 0.6, 0.5])
def test_a_cut_last_packet_costs_no_frame_that_one_thread_decodes(tmp_path: Path, share: float) -> None:
    whole = faststart(write_clip(tmp_path / "a.mp4", Clip(frames=100)), tmp_path / "whole.mp4")
    cut = cut_off(whole, tmp_path / "cut.mp4", share)
    alone = 0
    with av.open(str(cut)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        for packet in container.demux(stream):
            try:
                alone += len(packet.decode())
            except av.FFmpegError:
                continue
    with VideoReader(cut) as reader:
        assert len(list(reader)) == alone


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


def test_the_stream_ffmpeg_takes_is_the_default(tmp_path: Path) -> None:
    small = write_clip(tmp_path / "small.mp4", Clip(frames=5, size=(80, 34)))
    large = write_clip(tmp_path / "large.mp4", Clip(frames=5))
    both = tmp_path / "both.mkv"
    ffmpeg("-i", small, "-i", large, "-map", 0, "-map", 1, "-c", "copy", "-disposition:v", 0, both)
    with VideoReader(both) as reader:
        assert (reader.info.stream, {frame.image.shape for frame in reader}) == (1, {(68, 160, 3)})
        assert "2 video streams: read is number 1, 160x68" in reader.problems[0].message
    with VideoReader(both, ReadConfig(stream=0)) as reader:
        assert {frame.image.shape for frame in reader} == {(34, 80, 3)}
    with pytest.raises(MisfitError, match=r"no video stream 2 \(it has 0 \(80x34\), 1 \(160x68\)\)"):
        probe(both, stream=2)
