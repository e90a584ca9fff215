"""Settings for reading and writing video; no heavy imports."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from vidtrack.core.errors import UsageError
from vidtrack.video.limits import DEFAULT_LIMITS, Limits


@dataclass(frozen=True)
class ReadConfig:
    """Which frames of a clip to read, and how.

    Frames with `start_seconds` <= time < `end_seconds` (since the first frame) are kept, and every `stride`-th of
    those. `hwaccel` names a hardware decoder ("auto", "cuda", ...); without a driver for it, decoding falls back to
    software. `deep` gives uint16 images for clips with more than 8 bits per sample.

    Raises UsageError if no frame can match.
    """

    start_seconds: Fraction | None = None
    end_seconds: Fraction | None = None
    stride: int = 1
    hwaccel: str | None = None
    framerate: Fraction | None = None  # of an image sequence
    limits: Limits = DEFAULT_LIMITS
    deep: bool = False
    stream: int | None = None  # among the file's video streams; None is the one ffmpeg takes by default

    def __post_init__(self) -> None:
        check_range(self.start_seconds, self.end_seconds, self.stride)


@dataclass(frozen=True)
class EncodeConfig:
    """How a video is encoded; None is the codec's default."""

    codec: str | None = None
    crf: float | None = None
    preset: str | None = None


def check_range(start: Fraction | None, end: Fraction | None, stride: int) -> None:
    """Raise UsageError if no frame can lie from `start` to `end`, in seconds, or the stride is below 1."""
    if start is not None and start < 0:
        raise UsageError(f"start is {float(start):g} s", "give zero or more")
    if end is not None and end <= (start or 0):
        raise UsageError(f"end is {float(end):g} s, not after start at {float(start or 0):g} s")
    if stride < 1:
        raise UsageError(f"stride is {stride}", "give one or more")
