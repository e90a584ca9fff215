"""A small log, written line by line."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from vidtrack.core.types import FrameTracks, ObjectState, VideoInfo
from vidtrack.tracklog import Event, LogWriter, RunFigures, Status
from vidtrack.tracklog.header import ContentHash, Header, ModelInfo
from vidtrack.tracklog.provenance import log_header

TIME_BASE = Fraction(1001, 30000)


def header() -> Header:
    info = VideoInfo(
        path=Path("clip.mov"),
        container="mov",
        codec="h264",
        pixel_format="yuv420p",
        coded_size=(640, 360),
        size=(360, 640),
        rotation=90,
        sample_aspect_ratio=Fraction(1),
        time_base=TIME_BASE,
        start_pts=3,
        average_rate=1 / TIME_BASE,
        frame_count=None,
        duration_seconds=Fraction(3, 2),
        timecode="01:00:00:00",
    )
    model = ModelInfo("tiny", None, ("person", "café"))
    return log_header(info, ContentHash("sha256", "0" * 64), {"stride": 1}, model, "cpu", "float32")


def tracks(index: int, *objects: tuple[int, int, float, tuple[float, ...], ObjectState]) -> FrameTracks:
    ids, classes, scores, boxes, states = zip(*objects, strict=True) if objects else ((), (), (), (), ())
    return FrameTracks(
        index,
        index * 2,
        TIME_BASE,
        np.array(ids, np.int64),
        np.array(classes, np.int64),
        np.array(scores, np.float32),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(states, np.int64),
    )


SEEN, SUPPOSED = ObjectState.DETECTED, ObjectState.PREDICTED
FRAMES = [
    tracks(4),
    tracks(6, (2, 1, 0.75, (1.004, 2.006, 30.5, 40.25), SEEN), (1, 0, 1 / 3, (-0.001, 5, 20, 25), SUPPOSED)),
    tracks(8, (2, 0, 0.5, (1, 2, 101, 102), SEEN)),
    tracks(10, (2, 1, 0.25, (1, 2, 31, 41), SEEN), (1, 0, 0.5, (0, 5, 20, 25), SEEN)),
]


def write(path: Path) -> Path:
    with LogWriter(path, header()) as writer:
        fill(writer)
        writer.close(Status.COMPLETE, RunFigures(decoded=4, expected=None, problems=1, seconds=0.5, fps=8.0))
    return path


def fill(writer: LogWriter) -> None:
    for number, frame in enumerate(FRAMES):
        if number == 2:
            writer.event(Event("decode", "a packet cannot be decoded", 8, 16))
        writer.frame(frame)


def without_footer(path: Path) -> Path:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if b'"footer"' not in line))
    return path
