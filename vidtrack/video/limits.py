"""Upper limits on frame size and clip length, so that a small file cannot use up the machine."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vidtrack.core.errors import InputError
from vidtrack.core.types import VideoInfo

_TOO_LARGE = re.compile(r"Picture size ([1-9]\d*)x([1-9]\d*) (?:exceeds specified max pixel count|is invalid)")
_PADDING = 64 * 65536  # pixels: FFmpeg counts lines rounded up


@dataclass(frozen=True)
class Limits:
    """The most pixels per frame and the longest clip; None allows any length.

    A pixel costs about 50 bytes of memory, because several frames are in flight.
    """

    pixels: int = 100_000_000  # 12K footage has 80 million
    seconds: Fraction | None = Fraction(7 * 24 * 3600)

    @property
    def decoder_options(self) -> dict[str, str]:
        """Options that make FFmpeg refuse a frame before it allocates memory for it."""
        return {"max_pixels": str(self.pixels + _PADDING)}

    def refuse_size(self, path: Path, width: int, height: int) -> None:
        """Raise InputError for frames with too many pixels."""
        if width * height > self.pixels:
            raise InputError(
                f"{path} has frames of {width}x{height}, more than the limit of {self.pixels / 1e6:g} million pixels",
                "--max-pixels raises the limit; the file may be damaged, or made to exhaust memory",
            )

    def refuse_refused(self, path: Path, messages: Iterable[str]) -> None:
        """Raise InputError if FFmpeg reported that it refused a frame for its size."""
        for message in messages:
            if size := _TOO_LARGE.search(message):
                self.refuse_size(path, int(size[1]), int(size[2]))

    def refuse_length(self, info: VideoInfo, start: Fraction | None, end: Fraction | None) -> None:
        """Raise InputError if a clip's stated length between two times is too long."""
        if info.duration_seconds is None:
            return
        until = info.duration_seconds if end is None else min(end, info.duration_seconds)
        if self.is_past(until - (start or 0)):
            raise InputError(
                f"{info.path} claims to last {_spoken(info.duration_seconds)}, more than the limit of {self._longest}",
                "--max-duration raises the limit, --end reads a part; the file may be damaged",
            )

    def is_past(self, seconds: Fraction) -> bool:
        """True if that long after the first wanted frame is too long."""
        return self.seconds is not None and seconds > self.seconds

    def too_long(self, path: Path) -> InputError:
        """The error for a clip that does not end in time."""
        return InputError(f"{path} runs past the limit of {self._longest}", "--max-duration raises the limit")

    @property
    def _longest(self) -> str:
        return "any time" if self.seconds is None else _spoken(self.seconds)


DEFAULT_LIMITS = Limits()


def _spoken(seconds: Fraction) -> str:
    value = float(seconds)
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if value >= 2 * length:
            return f"{value / length:.4g} {unit}"
    return f"{value:g} seconds"
