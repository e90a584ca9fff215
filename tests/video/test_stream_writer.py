from __future__ import annotations

import io
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.media import Clip, write_clip
from vidtrack.core.errors import OutputError
from vidtrack.core.types import Frame
from vidtrack.video import VideoReader, VideoStreamWriter, probe


def test_a_reader_gets_the_very_pixels_at_their_very_times(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=6, size=(161, 69), pixel_format="yuv444p"))
    out = io.BytesIO()
    with VideoReader(clip) as reader, VideoStreamWriter(out, reader.info) as writer:
        frames = list(reader)
        for frame in frames:
            writer.write(frame)
    with av.open(io.BytesIO(out.getvalue())) as made:
        stream = made.streams.video[0]
        assert (made.format.name, stream.codec_context.name) == ("nut", "rawvideo")
        got = [(frame.pts * frame.time_base, frame.to_ndarray()) for frame in made.decode(stream)]  # type: ignore[operator]
    assert [time for time, _ in got] == [frame.seconds for frame in frames]
    assert all((image == frame.image).all() for (_, image), frame in zip(got, frames, strict=True))


def test_uneven_times_are_kept(tmp_path: Path) -> None:
    info = replace(probe(write_clip(tmp_path / "clip.mp4")), average_rate=None, time_base=Fraction(1, 90000))
    times, out = [0, 3003, 9100, 9101, 200_000], io.BytesIO()
    with VideoStreamWriter(out, info) as writer:
        for index, pts in enumerate(times):
            image = np.full((info.size[1], info.size[0], 3), index, np.uint8)
            writer.write(Frame(index, pts, info.time_base, image))
    with av.open(io.BytesIO(out.getvalue())) as made:
        assert [frame.pts * frame.time_base for frame in made.decode(video=0)] == [  # type: ignore[operator]
            Fraction(time, 90000) for time in times
        ]


def test_a_reader_that_has_gone_is_one_line(tmp_path: Path) -> None:
    receiving, sending = os.pipe()
    os.close(receiving)
    with VideoReader(write_clip(tmp_path / "clip.mp4")) as reader, os.fdopen(sending, "wb", 0) as pipe:
        writer = VideoStreamWriter(pipe, reader.info)
        with pytest.raises(OutputError, match="standard output was closed by its reader"):
            for frame in reader:
                writer.write(frame)
        writer.close()
