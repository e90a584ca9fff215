"""Closed captions (CEA-608/708) within the video stream, read back by FFmpeg's own decoders."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from tests.media import EXAMPLE_CLIP
from tests.video.ffmpeg import ffmpeg
from vidtrack.video import EncodeConfig, ReadConfig, VideoReader, VideoWriter
from vidtrack.video.captions import captions_of


def captioned(folder: Path, frames: int, silent: int = 0) -> Path:
    """A clip of which each frame but the first `silent` has a CEA-608 pair of its own: user data as in ATSC A/53."""
    plain = ("-frames:v", frames, "-vf", "scale=160:-2", "-c:v", "mpeg2video", "-bf", 0)
    ffmpeg("-i", EXAMPLE_CLIP, *plain, folder / "plain.m2v")
    first, *images = (folder / "plain.m2v").read_bytes().split(b"\0\0\1\1")  # start code of a slice in the first row
    pairs = [bytes([0xFC, 0x20 + number % 90, 0]) * 2 for number in range(frames)]  # zeros are to be escaped
    user_data = [b"\0\0\1\xb2GA94\x03\x42\xff" + pair + b"\xff" for pair in pairs]
    user_data[:silent] = [b""] * silent
    source = folder / "in.m2v"
    source.write_bytes(
        first + b"".join(own + b"\0\0\1\1" + image for own, image in zip(user_data, images, strict=True))
    )
    return source


def captions_in(path: Path) -> list[bytes]:
    """Captions of each frame, as FFmpeg's decoders find them."""
    with av.open(str(path)) as container:
        return [captions_of(frame) for frame in container.decode(video=0)]


@pytest.mark.parametrize(("codec", "preset"), [("h264", "veryfast"), ("hevc", "ultrafast")])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_closed_captions_stay_with_their_frames(tmp_path: Path, codec: str, preset: str, suffix: str) -> None:
    source, out = captioned(tmp_path, 40, silent=7), tmp_path / f"out{suffix}"
    with (
        VideoReader(source) as reader,
        VideoWriter(out, reader.info, EncodeConfig(codec, preset=preset), source=source) as writer,
    ):
        for frame in reader:
            writer.write(frame)
            if frame.index == 24:
                writer.end_chunk()
    expected = captions_in(source)
    assert [bool(captions) for captions in expected] == [False] * 7 + [True] * 33
    assert captions_in(out) == expected
    assert writer.problems == []


@pytest.mark.parametrize("codec", ["vp9", "ffv1"])
def test_closed_captions_that_get_lost_are_named_whenever_they_begin(tmp_path: Path, codec: str) -> None:
    source = captioned(tmp_path, 8, silent=3)
    config = EncodeConfig(codec)
    with (
        VideoReader(source) as reader,
        VideoWriter(tmp_path / "out.mkv", reader.info, config, source=source) as writer,
    ):
        for frame in reader:
            writer.write(frame)
    assert [problem.message for problem in writer.problems] == [
        f"{codec} cannot hold the closed captions (CEA-608/708) of the clip"
    ]


def test_a_stride_tells_that_it_leaves_out_closed_captions(tmp_path: Path) -> None:
    with VideoReader(captioned(tmp_path, 8), ReadConfig(stride=3)) as reader:
        assert [frame.captions for frame in reader] == [b""] * 3
    assert [problem.message for problem in reader.problems] == [
        "closed captions (CEA-608/708) are left out, as only some frames are read"
    ]
