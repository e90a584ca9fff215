"""Mattes: images of where the tracked objects are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vidtrack.core.types import Frame, FrameTracks
from vidtrack.render.masks import MaskConfig, mask_of


class Matte:
    """Makes opacity from the objects of a frame."""

    def __init__(self, config: MaskConfig, margin: float = 0.0, inverted: bool = False) -> None:
        self._config, self._margin, self._inverted = config, margin, inverted

    def opacity(self, frame: Frame, tracks: FrameTracks) -> np.ndarray:
        """Opacity (H, W) uint8: 255 inside the boxes, or outside them if inverted."""
        height, width = frame.image.shape[:2]
        opacity = np.zeros((height, width), np.uint8)
        for left, top, right, bottom in tracks.boxes_xyxy.astype(np.float64).tolist():
            reach_x, reach_y = (right - left) * self._margin, (bottom - top) * self._margin
            box = (left - reach_x, top - reach_y, right + reach_x, bottom + reach_y)
            mask = mask_of(box, (width, height), self._config)
            if mask is None:
                continue
            opacity[mask.inner] = 255
            for part, soft in mask.rim():
                opacity[part] = np.maximum(opacity[part], np.rint(soft * 255).astype(np.uint8))
        return 255 - opacity if self._inverted else opacity

    def paint(self, frame: Frame, tracks: FrameTracks) -> Frame:
        """The opacity as an image, white on black."""
        return replace(frame, image=np.repeat(self.opacity(frame, tracks)[..., None], 3, axis=2))
