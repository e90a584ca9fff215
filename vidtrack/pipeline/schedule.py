"""Which frames the detector sees; the tracks of those between are interpolated."""

from __future__ import annotations

from fractions import Fraction

from vidtrack.core.errors import UsageError
from vidtrack.core.types import VideoInfo

AUTO_RATE = 8  # detections per second, at least
AUTO_LARGEST_STEP = 3  # frames


def detection_step(detect_every: int | Fraction | None, info: VideoInfo, stride: int = 1) -> int:
    """Frames from one detection to the next, at least 1; frames are those left by `stride`.

    `detect_every` is a number of frames, or seconds as a Fraction, or None: as few as give at least `AUTO_RATE` per
    second (23.976 frames count as 24), at most `AUTO_LARGEST_STEP` apart. Of a clip without a known rate None detects
    every frame. Raises UsageError for seconds if the rate is unknown.
    """
    if isinstance(detect_every, int):
        return detect_every
    rate = None if info.average_rate is None else info.average_rate / stride
    if detect_every is None:
        return 1 if rate is None else min(AUTO_LARGEST_STEP, max(1, round(rate) // AUTO_RATE))
    if rate is None:
        raise UsageError("--detect-every in seconds needs a clip with a known frame rate", "give a number of frames")
    return max(1, round(rate * detect_every))


def gap_between_detections(step: int, info: VideoInfo, stride: int = 1) -> float:
    """Seconds a track may go unseen and still be interpolated: one missed detection."""
    rate = info.average_rate or Fraction(25)  # of a clip of unknown rate: a guess
    return float(2 * step * stride / rate)
