"""A small grey picture of a frame: enough to see cuts and the motion of the camera."""

from __future__ import annotations

import cv2
import numpy as np

LONGEST = 320  # pixels of the longer side


def glance(image: np.ndarray) -> np.ndarray:
    """Grey picture uint8 of an RGB picture (H, W, 3), at most 320 pixels long."""
    height, width = image.shape[:2]
    scale = min(1.0, LONGEST / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    step = int(0.5 / scale)
    if step > 1:  # of a large picture every few pixels are enough to average over
        image = cv2.resize(image, (width // step, height // step), interpolation=cv2.INTER_NEAREST)
    return cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
