"""Clips read and written again, and what the tests look at in them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from vidtrack.core.types import Frame
from vidtrack.video import EncodeConfig, ReadConfig, VideoReader, VideoWriter


def reading(start: float | None = None, end: float | None = None, stride: int = 1) -> ReadConfig:
    """A config for times as written: 0.1 is one tenth, not its nearest binary fraction."""
    first, last = (None if seconds is None else Fraction(str(seconds)) for seconds in (start, end))
    return ReadConfig(first, last, stride)


def copy(source: Path, target: Path, *, start=None, end=None, stride: int = 1, **options) -> list[Frame]:
    """Read and write again; returns the frames read."""
    with (
        VideoReader(source, reading(start, end, stride)) as reader,
        VideoWriter(
            target,
            reader.info,
            EncodeConfig(**options),
            source,
            reading(start, end).start_seconds,
            reading(start, end).end_seconds,
        ) as writer,
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
