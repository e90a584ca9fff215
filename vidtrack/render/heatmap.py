"""Where objects have been so far, as colours over the image."""

from __future__ import annotations

import cv2
import numpy as np

from vidtrack.core.types import FrameTracks

_CELLS = 160  # along the image's longer side
_SPREAD = 2.0  # cells, standard deviation
_STRONGEST = 0.6  # opacity
_FULL_AT = 0.5  # share of the highest value from which opacity grows no more


class HeatMap:
    """Time that objects stood in each cell of a coarse grid; `size` is the image's (width, height)."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._cell = max(1.0, max(size) / _CELLS)
        self.grid = np.zeros([int(side / self._cell) + 1 for side in reversed(size)], np.float32)

    def add(self, tracks: FrameTracks) -> None:
        """Count the middle of each box's lower edge."""
        boxes = tracks.boxes_xyxy
        x, y = (boxes[:, 0] + boxes[:, 2]) / 2 / self._cell, boxes[:, 3] / self._cell
        rows, columns = self.grid.shape
        np.add.at(self.grid, (np.clip(y, 0, rows - 1).astype(int), np.clip(x, 0, columns - 1).astype(int)), 1)

    def paint(self, image: np.ndarray) -> None:
        """Lay the map over `image`."""
        spread = cv2.GaussianBlur(self.grid, (0, 0), _SPREAD)
        highest = float(spread.max())
        if highest <= 0:
            return
        heat = np.sqrt(spread / highest)  # few passages show beside long stays
        colours = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_TURBO)[..., ::-1]
        opacity = np.minimum(heat / _FULL_AT, 1)[..., None] * _STRONGEST
        height, width = image.shape[:2]
        shape = round(self.grid.shape[1] * self._cell), round(self.grid.shape[0] * self._cell)

        def enlarged(values: np.ndarray) -> np.ndarray:
            large = cv2.resize(values, shape, interpolation=cv2.INTER_LINEAR)[:height, :width]
            return large.reshape(height, width, -1)

        added = enlarged((colours * opacity).astype(np.uint8))
        kept = enlarged(np.repeat((255 * (1 - opacity)).astype(np.uint8), 3, axis=2))
        image[:] = cv2.add(cv2.multiply(image, kept, scale=1 / 255), added)
