"""SMPTE 12M timecode arithmetic."""

from __future__ import annotations

import re
from fractions import Fraction

_TIMECODE = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})([:;.])(\d{2,3})")


def advanced(timecode: str, frames: int, rate: Fraction) -> str | None:
    """The timecode `frames` later at `rate` frames a second, wrapping at 24 hours.

    A ";" or "." before the frames marks drop-frame counting: at 30 (60) labels a second, the first two (four) labels
    of each minute are left out, except every tenth minute. None for text that is not a timecode.
    """
    match = _TIMECODE.fullmatch(timecode.strip())
    if match is None:
        return None
    hours, minutes, seconds, frame = int(match[1]), int(match[2]), int(match[3]), int(match[5])
    labels = round(rate)
    if labels < 1:
        return None
    drop = match[4] in ";." and labels % 30 == 0
    dropped = labels // 15 if drop else 0  # labels left out a minute
    total_minutes = 60 * hours + minutes
    count = (total_minutes * 60 + seconds) * labels + frame - dropped * (total_minutes - total_minutes // 10) + frames

    per_ten_minutes = 600 * labels - 9 * dropped
    count %= 144 * per_ten_minutes
    tens, rest = divmod(count, per_ten_minutes)
    if dropped and rest >= 60 * labels:
        rest += dropped * (1 + (rest - 60 * labels) // (60 * labels - dropped))
    count = tens * 600 * labels + rest
    count, frame = divmod(count, labels)
    count, seconds = divmod(count, 60)
    hours, minutes = divmod(count, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{match[4]}{frame:02}"
