"""Clips read and written again, and what the tests look at in them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from vidtrack.core.types import Frame
from vidtrack.video import VideoReader, VideoWriter


def copy(source: Path, target: Path, *, start=None, end=None, stride: int = 1, **options) -> list[Frame]:
    """Read and write again; returns the frames read."""
    with (
        VideoReader(source, start, end, stride) as reader,
        VideoWriter(target, reader.info, source=source, start_seconds=start, end_seconds=end, **options) as writer,
    ):
        frames = []
        for frame in reader:
            writer.write(frame)
            frames.append(frame)
    assert writer.written == len(frames)
    return frames


def read(path: Path) -> list[Frame]:
    with VideoReader(path) as reader:
        frames = list(reader)
        assert reader.problems == []
        assert not reader.truncated
    return frames


def packets(path: Path, kind: str, place: int = 0) -> list[tuple[Fraction, bytes]]:
    with av.open(str(path)) as container:
        streams = [s for s in container.streams if s.type == kind]
        if not streams:
            return []
        return [(p.pts * Fraction(p.time_base), bytes(p)) for p in container.demux(streams[place]) if p.size]


def leftovers(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def difference(image: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(image.astype(int) - other).mean())
