"""Small drawings made once and pressed onto many images, and boxes put together from them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from vidtrack.render.style import RGB, Sizes

_STAMPS_KEPT = 1024
_CASING = 0.5  # of the light under a casing is kept
_DARKER = (np.arange(256) * _CASING).astype(np.uint8)


@dataclass(frozen=True)
class Stamp:
    """A drawing: each value becomes `keep` / 255 of itself, plus `add`."""

    keep: np.ndarray  # (H, W, 3) uint8
    add: np.ndarray  # (H, W, 3) uint8

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.keep.shape[1], self.keep.shape[0]

    @classmethod
    def of(cls, keep: np.ndarray, add: np.ndarray) -> Stamp:
        """From `keep` (H, W) in [0, 1] and `add` (H, W, 3) in levels."""
        shares = (keep * 255 + 0.5).astype(np.uint8)
        return cls(np.repeat(shares[..., None], 3, axis=2), (add + 0.5).astype(np.uint8))

    def press(self, image: np.ndarray, left: int, top: int) -> None:
        """Draw onto `image`; what lies outside is left out."""
        height, width = image.shape[:2]
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + self.size[0], width), min(top + self.size[1], height)
        if x0 >= x1 or y0 >= y1:
            return
        part = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
        under = image[y0:y1, x0:x1]
        cv2.multiply(under, self.keep[part], dst=under, scale=1 / 255)
        cv2.add(under, self.add[part], dst=under)


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
        across, down = (left + side, right - side), (top + side, bottom - side)
        for at in (top, bottom - self.band):
            self._stroke(image, across, (at, at + self.band), (0, self._casing), colour)
        for at in (left, right - self.band):
            self._stroke(image, (at, at + self.band), down, (self._casing, 0), colour)

    def _stroke(
        self, image: np.ndarray, xs: tuple[int, int], ys: tuple[int, int], casing: tuple[int, int], colour: RGB
    ) -> None:
        """A straight line with its casing between `xs` and `ys`; `casing` is its width in x and y."""
        (x0, x1), (y0, y1), (aside, above) = xs, ys, casing
        under = image[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
        if under.size:
            cv2.LUT(under, _DARKER, dst=under)
            cv2.rectangle(image, (x0 + aside, y0 + above), (x1 - aside - 1, y1 - above - 1), colour, cv2.FILLED)

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
            keep, add = 1 - line - dark * (1 - _CASING), line[..., None] * np.array(colour, np.float64)
            turns = ((1, 1), (1, -1), (-1, 1), (-1, -1))
            stamps = [Stamp.of(keep[::down, ::right], add[::down, ::right]) for down, right in turns]
            self._corners[radius, colour] = tuple(stamps)
        return self._corners[radius, colour]
