"""How large a clip may be, so that a small file cannot ask for all there is, and which part of it is read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vidtrack.core.errors import InputError, UsageError
from vidtrack.core.types import VideoInfo

_TOO_LARGE = re.compile(r"Picture size ([1-9]\d*)x([1-9]\d*) (?:exceeds specified max pixel count|is invalid)")
_PADDING = 64 * 65536  # pixels: FFmpeg counts with lines that are rounded up


@dataclass(frozen=True)
class Limits:
    """The most pixels a frame and the longest time a clip may have; None is any time.

    A pixel costs some 50 bytes of memory, as frames wait for each other.
    """

    pixels: int = 100_000_000  # 12K footage has 80 million
    seconds: Fraction | None = Fraction(7 * 24 * 3600)

    @property
    def decoder_options(self) -> dict[str, str]:
        """What makes FFmpeg refuse a frame before it takes memory for it."""
        return {"max_pixels": str(self.pixels + _PADDING)}

    def refuse_size(self, path: Path, width: int, height: int) -> None:
        """Raise InputError for frames with too many pixels."""
        if width * height > self.pixels:
            raise InputError(
                f"{path} has frames of {width}x{height}, more than the {self.pixels / 1e6:g} million pixels that are "
                "allowed",
                "--max-pixels allows more; it may be damaged, or made to use up memory",
            )

    def refuse_refused(self, path: Path, messages: Iterable[str]) -> None:
        """Raise InputError where FFmpeg said that it refused a frame for its size."""
        for message in messages:
            if size := _TOO_LARGE.search(message):
                self.refuse_size(path, int(size[1]), int(size[2]))

    def refuse_length(self, info: VideoInfo, start: Fraction | None, end: Fraction | None) -> None:
        """Raise InputError for a clip that says it lasts too long between two times."""
        if info.duration_seconds is None:
            return
        until = info.duration_seconds if end is None else min(end, info.duration_seconds)
        if self.is_past(until - (start or 0)):
            raise InputError(
                f"{info.path} says it lasts {_spoken(info.duration_seconds)}, more than the {self._longest} that are "
                "allowed",
                "--max-duration allows more, --end takes a part; it may be damaged",
            )

    def is_past(self, seconds: Fraction) -> bool:
        """True for a time from the first frame wanted on that is too long."""
        return self.seconds is not None and seconds > self.seconds

    def too_long(self, path: Path) -> InputError:
        """The error of a clip that goes on and on."""
        return InputError(f"{path} goes on past the {self._longest} that are allowed", "--max-duration allows more")

    @property
    def _longest(self) -> str:
        return "any time" if self.seconds is None else _spoken(self.seconds)


DEFAULT_LIMITS = Limits()


def check_range(start: Fraction | None, end: Fraction | None, stride: int) -> None:
    """Raise UsageError where no frame can lie from `start` to `end`, in seconds, or the stride is none."""
    if start is not None and start < 0:
        raise UsageError(f"start is {float(start):g} s", "give zero or more")
    if end is not None and end <= (start or 0):
        raise UsageError(f"end is {float(end):g} s, not after start at {float(start or 0):g} s")
    if stride < 1:
        raise UsageError(f"stride is {stride}", "give one or more")


def _spoken(seconds: Fraction) -> str:
    value = float(seconds)
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if value >= 2 * length:
            return f"{value / length:.4g} {unit}"
    return f"{value:g} seconds"
