"""Small drawings made once and pressed onto many images, and boxes put together from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vidtrack.render.style import RGB, Sizes

_OPAQUE = 256
_STAMPS_KEPT = 1024
_DARKENING = 1  # bits: a casing has half the light of what is under it


@dataclass(frozen=True)
class Stamp:
    """A drawing: each pixel becomes `keep` / 256 of itself, plus `add`."""

    keep: np.ndarray  # (H, W, 1) uint16
    add: np.ndarray  # (H, W, 3) uint16

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.keep.shape[1], self.keep.shape[0]

    @classmethod
    def of(cls, keep: np.ndarray, add: np.ndarray) -> Stamp:
        """From `keep` (H, W) in [0, 1] and `add` (H, W, 3) in levels."""
        return cls((keep * _OPAQUE + 0.5).astype(np.uint16)[..., None], (add + 0.5).astype(np.uint16))

    def press(self, image: np.ndarray, left: int, top: int) -> None:
        """Draw onto `image`; what lies outside is left out."""
        height, width = image.shape[:2]
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + self.size[0], width), min(top + self.size[1], height)
        if x0 >= x1 or y0 >= y1:
            return
        part = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
        under = image[y0:y1, x0:x1]
        under[:] = np.minimum((under * self.keep[part] >> 8) + self.add[part], 255)


class BoxPen:
    """Draws boxes with round corners, each line between two dark ones."""

    def __init__(self, sizes: Sizes) -> None:
        self._line, self._casing, self._radius = sizes.line, sizes.casing, sizes.radius
        self.band = sizes.line + 2 * sizes.casing
        self._corners: dict[tuple[int, RGB], tuple[Stamp, ...]] = {}

    def draw(self, image: np.ndarray, box: tuple[int, int, int, int], colour: RGB) -> None:
        """A box with its line on the edges `box` (left, top, right, bottom)."""
        half = self.band // 2
        left, top, right, bottom = box[0] - half, box[1] - half, box[2] + self.band - half, box[3] + self.band - half
        room = min(right - left, bottom - top) // 2  # for a corner
        radius = max(0, min(self._radius, room - self.band))
        side = radius + -(-self.band // 2)
        corners = self._corners_of(radius, side, colour)
        for stamp, x, y in zip(
            corners, (left, right - side, left, right - side), (top, top, bottom - side, bottom - side), strict=True
        ):
            stamp.press(image, x, y)
        for at in (top, bottom - self.band):
            self._stroke(image, left + side, right - side, at, colour)
        turned = image.transpose(1, 0, 2)
        for at in (left, right - self.band):
            self._stroke(turned, top + side, bottom - side, at, colour)

    def _stroke(self, image: np.ndarray, start: int, end: int, at: int, colour: RGB) -> None:
        """A horizontal line from `start` to `end`, its upper casing at row `at`."""
        start, end = max(start, 0), max(end, 0)
        first, last = at + self._casing, at + self._casing + self._line
        for y0, y1 in ((at, first), (last, last + self._casing)):
            image[max(y0, 0) : max(y1, 0), start:end] >>= _DARKENING
        image[max(first, 0) : max(last, 0), start:end] = colour

    def _corners_of(self, radius: int, side: int, colour: RGB) -> tuple[Stamp, ...]:
        """The corners upper left, upper right, lower left, lower right."""
        if (radius, colour) not in self._corners:
            if len(self._corners) >= _STAMPS_KEPT:
                self._corners.clear()
            middle = self.band / 2 + radius
            to_middle = np.maximum(middle - (np.arange(side) + 0.5), 0)
            distance = np.abs(np.hypot(to_middle[:, None], to_middle) - radius)  # from the middle of the line
            line = np.clip(self._line / 2 - distance + 0.5, 0, 1)
            dark = np.clip(self.band / 2 - distance + 0.5, 0, 1) - line
            keep, add = 1 - line - dark * (1 - 0.5**_DARKENING), line[..., None] * np.array(colour, np.float64)
            turns = ((1, 1), (1, -1), (-1, 1), (-1, -1))
            stamps = [Stamp.of(keep[::down, ::right], add[::down, ::right]) for down, right in turns]
            self._corners[radius, colour] = tuple(stamps)
        return self._corners[radius, colour]
