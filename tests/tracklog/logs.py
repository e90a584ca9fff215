"""Logs for tests, written as the tracker writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from vidtrack.core.types import FrameTracks, VideoInfo
from vidtrack.tracklog import Event, LogWriter, RunFigures, Status, TrackLog
from vidtrack.tracklog.header import ContentHash, Header, ModelInfo
from vidtrack.tracklog.provenance import hash_content, log_header
from vidtrack.tracklog.validation import validate
from vidtrack.video import probe

CLASSES = ("person", "car", "truck")
BOX = (10.25, 20.5, 50.75, 60.0)
FRAMES = [{1: BOX}, {1: BOX, 2: (60, 10, 90, 60)}, {2: (62, 10, 92, 60)}, {}, {4: BOX}]
TIME_BASE = Fraction(1, 12800)
TICKS = 512  # a frame at 25 a second
_INFO = VideoInfo(
    path=Path("clip.mp4"),
    container="mov",
    codec="h264",
    pixel_format="yuv420p",
    coded_size=(640, 272),
    size=(640, 272),
    rotation=0,
    sample_aspect_ratio=Fraction(1),
    time_base=TIME_BASE,
    start_pts=0,
    average_rate=Fraction(25),
    frame_count=None,
    duration_seconds=None,
)


def any_header(names: Sequence[str] = CLASSES, time_base: Fraction = TIME_BASE) -> Header:
    """The header of a log of a clip of 640x272 pixels that does not exist."""
    model = ModelInfo("tiny", None, tuple(names))
    info = replace(_INFO, time_base=time_base)
    return log_header(info, ContentHash("sha256", "0" * 64), {"stride": 1}, model, "cpu", "float32")


def made_log(
    path: Path,
    frames: Sequence[Mapping[int, Sequence[float]]],
    classes: Mapping[int, int] = {},
    clip: Path | None = None,
    names: Sequence[str] = CLASSES,
) -> Path:
    """A log of frames that each say which track has which box; tracks are persons unless `classes` says otherwise.

    Without a clip it speaks of one of 640x272 pixels that does not exist.
    """
    info = _INFO if clip is None else probe(clip)
    content = ContentHash("sha256", "0" * 64) if clip is None else hash_content([clip])
    model = ModelInfo("tiny", None, tuple(names))
    header = log_header(info, content, {"stride": 1}, model, "cpu", "float32")
    assert info.average_rate is not None
    ticks = int(1 / (info.average_rate * info.time_base))
    with LogWriter(path, header) as writer:
        for index, boxes in enumerate(frames):
            if index == 2:
                writer.event(Event("decode", "a packet cannot be decoded", 2, 2 * ticks))
            writer.frame(tracks_at(index, boxes, classes, ticks, info.time_base))
        writer.event(Event("encode", "no subtitles in this container"))
        writer.close(
            Status.COMPLETE, RunFigures(decoded=len(frames), expected=len(frames), problems=1, seconds=1.5, fps=9.5)
        )
    return path


def tracks_at(
    index: int,
    boxes: Mapping[int, Sequence[float]],
    classes: Mapping[int, int] = {},
    ticks: int = TICKS,
    time_base: Fraction = TIME_BASE,
) -> FrameTracks:
    """The objects of one frame."""
    ids = list(boxes)
    return FrameTracks(
        index,
        index * ticks,
        time_base,
        np.array(ids, np.int64),
        np.array([classes.get(identity, 0) for identity in ids], np.int64),
        np.array([0.5 + identity % 100 / 1000 for identity in ids], np.float32),
        np.array([boxes[identity] for identity in ids], np.float32).reshape(-1, 4),
        np.zeros(len(ids), np.int64),
    )


def saved(log: TrackLog, path: Path) -> TrackLog:
    """The log written to a file that is valid, and read again."""
    log.save(path)
    assert validate(path).faults == ()
    return TrackLog.load(path)


def cut_short(log: Path) -> None:
    """Leave out everything from the frame with index 3 on, as a run that was killed does."""
    text = log.read_text("utf-8")
    log.write_text(text[: text.index('"i":3')], "utf-8")
