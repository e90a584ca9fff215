"""SMPTE 12M timecode arithmetic.

A ";" or "." before the frames marks drop-frame counting: at 30 (60) labels per second, the first two (four) labels of
each minute are dropped, except in every tenth minute.
"""

from __future__ import annotations

import re
from fractions import Fraction

_TIMECODE = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})([:;.])(\d{2,3})")


def advanced(timecode: str, frames: int, rate: Fraction) -> str | None:
    """The timecode `frames` later at `rate` frames per second, wrapping at 24 hours; None if it is not a timecode."""
    count = frame_number(timecode, rate)
    if count is None:
        return None
    labels = round(rate)
    dropped = _dropped(timecode, rate)
    per_ten_minutes = 600 * labels - 9 * dropped
    count = (count + frames) % (144 * per_ten_minutes)
    tens, rest = divmod(count, per_ten_minutes)
    if dropped and rest >= 60 * labels:
        rest += dropped * (1 + (rest - 60 * labels) // (60 * labels - dropped))
    count = tens * 600 * labels + rest
    count, frame = divmod(count, labels)
    count, seconds = divmod(count, 60)
    hours, minutes = divmod(count, 60)
    mark = _mark(timecode) if dropped else ":"  # a drop-frame timecode continues without drops at 23.976
    return f"{hours:02}:{minutes:02}:{seconds:02}{mark}{frame:02}"


def at_rate(timecode: str, rate: Fraction, other: Fraction) -> str:
    """The timecode of the same time of day at another rate; other text is returned unchanged.

    Labels are dropped there only if they are at `rate`, and the other rate runs slower than its labels.
    """
    match = _TIMECODE.fullmatch(timecode.strip())
    labels, others = round(rate), round(other)
    if match is None or labels < 1 or others < 1:
        return timecode
    drops = other < others and is_drop_frame(timecode, rate) and is_drop_frame(timecode, other)
    mark = match[4] if drops else ":"
    frame = min(int(match[5]), labels - 1) * others // labels
    return f"{match[1]}:{match[2]}:{match[3]}{mark}{frame:02}"


def frame_number(timecode: str, rate: Fraction) -> int | None:
    """Frames from midnight to a timecode at `rate` frames per second; None for text that is not a timecode."""
    match = _TIMECODE.fullmatch(timecode.strip())
    labels = round(rate)
    if match is None or labels < 1:
        return None
    hours, minutes, seconds, frame = int(match[1]), int(match[2]), int(match[3]), int(match[5])
    total_minutes = 60 * hours + minutes
    left_out = _dropped(timecode, rate) * (total_minutes - total_minutes // 10)
    return (total_minutes * 60 + seconds) * labels + frame - left_out


def is_drop_frame(timecode: str, rate: Fraction) -> bool:
    """True if labels are dropped so that the timecode keeps up with the clock."""
    return _dropped(timecode, rate) > 0


def _mark(timecode: str) -> str:
    """The separator before the frames."""
    match = _TIMECODE.fullmatch(timecode.strip())
    return ":" if match is None else match[4]


def _dropped(timecode: str, rate: Fraction) -> int:
    """Labels dropped per minute."""
    labels = round(rate)
    return labels // 15 if _mark(timecode) in ";." and labels % 30 == 0 else 0
