"""Logs for tests, written as the tracker writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from vidtrack.provenance import ContentHash, log_header
from vidtrack.tracklog import LogWriter
from vidtrack.types import FrameTracks, VideoInfo

CLASSES = ("person", "car", "truck")
TIME_BASE = Fraction(1, 12800)
TICKS = 512  # a frame at 25 a second


def made_log(
    path: Path,
    frames: Sequence[Mapping[int, Sequence[float]]],
    classes: Mapping[int, int] = {},
    size: tuple[int, int] = (640, 272),
    clip: Path = Path("clip.mp4"),
) -> Path:
    """A log of frames that each say which track has which box; tracks are persons unless `classes` says otherwise."""
    info = VideoInfo(
        path=clip,
        container="mov",
        codec="h264",
        pixel_format="yuv420p",
        coded_size=size,
        size=size,
        rotation=0,
        sample_aspect_ratio=Fraction(1),
        time_base=TIME_BASE,
        start_pts=0,
        average_rate=Fraction(25),
        frame_count=len(frames),
        duration_seconds=Fraction(len(frames), 25),
    )
    model = {"name": "tiny", "sha256": None, "classes": list(CLASSES)}
    header = log_header(info, ContentHash("sha256", "0" * 64), {"stride": 1}, model, "cpu", "float32")
    with LogWriter(path, header) as writer:
        for index, boxes in enumerate(frames):
            if index == 2:
                writer.event("decode", "a packet cannot be decoded", 2, 2 * TICKS)
            writer.frame(tracks_at(index, boxes, classes))
        writer.event("encode", "no subtitles in this container")
        writer.close("complete", decoded=len(frames), expected=len(frames), problems=1, seconds=1.5, fps=9.5)
    return path


def tracks_at(index: int, boxes: Mapping[int, Sequence[float]], classes: Mapping[int, int] = {}) -> FrameTracks:
    """The objects of one frame."""
    ids = list(boxes)
    return FrameTracks(
        index,
        index * TICKS,
        TIME_BASE,
        np.array(ids, np.int64),
        np.array([classes.get(identity, 0) for identity in ids], np.int64),
        np.array([0.5 + identity / 100 for identity in ids], np.float32),
        np.array([boxes[identity] for identity in ids], np.float32).reshape(-1, 4),
        np.zeros(len(ids), np.int64),
    )
