"""Soft masks: full over a whole box, fading out beyond it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from vidtrack.core.errors import UsageError

Window = tuple[slice, slice]  # rows and columns of an image


class Shape(StrEnum):
    """The outline of a mask; an ellipse goes through the corners of the box, so that it hides all of it too."""

    BOX = "box"
    ELLIPSE = "ellipse"


@dataclass(frozen=True)
class MaskConfig:
    """Outline and edge; `feather` is how far a mask fades out beyond the box, as a fraction of its shorter side."""

    shape: Shape = Shape.BOX
    feather: float = 0.05

    def __post_init__(self) -> None:
        if not 0 <= self.feather <= 10:
            raise UsageError(f"the feather is {self.feather:g}", "give a number from 0 (hard) to 10")


@dataclass(frozen=True)
class Mask:
    """The part of an image that a mask touches; `inner` of it is covered in full.

    `across` (w,) and `down` (h,) float32 are the distances of the window's columns and rows from the middle, in pixels,
    `half` is the outline's half width and height, beyond which the mask fades out over `fade` pixels.
    """

    window: Window
    inner: Window
    shape: Shape
    across: np.ndarray
    down: np.ndarray
    half: tuple[float, float]
    fade: float

    def rim(self) -> Iterator[tuple[Window, np.ndarray]]:
        """The parts of the window around `inner`, each with its opacity (h, w) float32."""
        (rows, columns), (inner_rows, inner_columns) = self.window, self.inner
        for part in (
            (slice(rows.start, inner_rows.start), columns),
            (slice(inner_rows.stop, rows.stop), columns),
            (inner_rows, slice(columns.start, inner_columns.start)),
            (inner_rows, slice(inner_columns.stop, columns.stop)),
        ):
            if part[0].start < part[0].stop and part[1].start < part[1].stop:
                yield part, self._opacity(within(part, self.window))

    def _opacity(self, part: Window) -> np.ndarray:
        down, across = self.down[part[0], None], self.across[None, part[1]]
        if self.shape is Shape.BOX:
            return _falling(across - self.half[0], self.fade) * _falling(down - self.half[1], self.fade)
        radius = np.sqrt((across / self.half[0]) ** 2 + (down / self.half[1]) ** 2)  # 1 on the outline
        return _falling((radius - 1) * min(self.half), self.fade)


def within(part: Window, window: Window) -> Window:
    """Where `part` of an image is, counted from the corner of `window`."""
    return (
        slice(part[0].start - window[0].start, part[0].stop - window[0].start),
        slice(part[1].start - window[1].start, part[1].stop - window[1].start),
    )


def mask_of(box_xyxy: Sequence[float], size: tuple[int, int], config: MaskConfig) -> Mask | None:
    """The mask of a box in an image of `size` (width, height): whole pixels, full wherever the box reaches.

    None if the box is empty or the mask lies outside the image.
    """
    left, top, right, bottom = math.floor(box_xyxy[0]), math.floor(box_xyxy[1]), *map(math.ceil, box_xyxy[2:])
    if right <= left or bottom <= top:
        return None
    fade = config.feather * min(right - left, bottom - top)
    half_width, half_height = (right - left) / 2, (bottom - top) / 2
    if config.shape is Shape.ELLIPSE:
        half_width, half_height = half_width * math.sqrt(2), half_height * math.sqrt(2)
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    x0, x1 = _span(middle_x, half_width + fade, size[0])
    y0, y1 = _span(middle_y, half_height + fade, size[1])
    if x1 <= x0 or y1 <= y0:
        return None
    inner = _clipped(top, bottom, y0, y1), _clipped(left, right, x0, x1)
    across = np.abs(np.arange(x0, x1, dtype=np.float32) + np.float32(0.5 - middle_x))
    down = np.abs(np.arange(y0, y1, dtype=np.float32) + np.float32(0.5 - middle_y))
    window = slice(y0, y1), slice(x0, x1)
    return Mask(window, inner, config.shape, across, down, (half_width, half_height), fade)


def _clipped(start: int, stop: int, low: int, high: int) -> slice:
    return slice(min(max(start, low), high), min(max(stop, low), high))


def _span(middle: float, half: float, length: int) -> tuple[int, int]:
    return max(0, math.floor(middle - half)), min(length, math.ceil(middle + half))


def _falling(outside: np.ndarray, fade: float) -> np.ndarray:
    """1 up to the outline, then down to 0 at `fade` pixels from it, smoothly at both ends."""
    if fade < 0.5:
        return (outside <= 0).astype(np.float32)
    rest = np.clip(1 - outside / np.float32(fade), 0, 1)
    return rest * rest * (3 - 2 * rest)
