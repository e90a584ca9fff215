"""Camera motion between two frames, from what does not belong to any object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

MOST_CORNERS = 100
LEAST_CORNERS = 12
CORNER_DISTANCE = 6  # pixels of the small picture, like all below
LEAST_FLOW = 0.5  # a corner that moves less stands still
STILL_SHARE = 0.25  # where so many corners stand still, the camera does; what moves is large or near
FIT_ERROR = 1.5
LEAST_SUPPORT = 0.5  # share of the corners that must agree on one motion
LEAST_SPREAD = 0.15  # of their places (standard deviation), in widths and heights: one object is no scene


class CameraMotion:
    """Tells how the camera moved since the frame before; None where it stood still or nothing sure can be said.

    Corners outside the known objects are followed by sparse optical flow (Lucas-Kanade in pyramids), and a similarity
    (shift, turn, zoom) is fitted to them by RANSAC.
    """

    def __init__(self) -> None:
        self._before: np.ndarray | None = None

    def reset(self) -> None:
        """Forget the last frame: the next one does not continue it."""
        self._before = None

    def state(self) -> dict[str, Any]:
        """What is remembered, for `restore`."""
        return {"before": self._before}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was taken."""
        self._before = state["before"]

    def step(self, small: np.ndarray, boxes_xyxy: np.ndarray) -> np.ndarray | None:
        """Matrix (2, 3) that takes places (x, y, 1) of the frame before into this one, both in the small picture.

        `small` is uint8 grey (H, W), `boxes_xyxy` (N, 4) are the known objects of the frame before.
        """
        before, self._before = self._before, small
        if before is None or before.shape != small.shape:
            return None
        scene = _outside(boxes_xyxy, before)
        corners = cv2.goodFeaturesToTrack(before, MOST_CORNERS, 0.01, CORNER_DISTANCE, mask=scene)
        if corners is None or len(corners) < LEAST_CORNERS:
            return None
        moved, found, _ = cv2.calcOpticalFlowPyrLK(before, small, corners, corners.copy(), winSize=(15, 15), maxLevel=3)
        good = found[:, 0] > 0
        here, there = corners[good, 0], moved[good, 0]
        still = np.linalg.norm(there - here, axis=1) < LEAST_FLOW
        if len(here) < LEAST_CORNERS or still.mean() >= STILL_SHARE:
            return None
        matrix, agreed = cv2.estimateAffinePartial2D(here, there, method=cv2.RANSAC, ransacReprojThreshold=FIT_ERROR)
        if matrix is None or agreed.sum() < LEAST_SUPPORT * len(corners):
            return None
        spread = there[agreed[:, 0] > 0].std(axis=0) / small.shape[::-1]
        return matrix if spread.min() >= LEAST_SPREAD else None


def _outside(boxes_xyxy: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Mask of the picture, 255 but for the boxes."""
    mask = np.full(picture.shape, 255, dtype=np.uint8)
    for left, top, right, bottom in np.clip(np.round(boxes_xyxy), 0, None).astype(int).tolist():
        mask[top : bottom + 1, left : right + 1] = 0
    return mask
