"""Camera motion between two frames, from what does not belong to any object."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

MAX_CORNERS = 100
MIN_CORNERS = 12
CORNER_DISTANCE = 6  # pixels of the small image, like all below
MIN_FLOW = 0.5  # pixels; a corner that moves less stands still
STILL_SHARE = 0.25  # if this share of the corners stands still, so does the camera; what moves is large or near
FIT_ERROR = 1.5
MIN_INLIERS = 0.5  # share of the corners that must agree on one motion
MIN_SPREAD = 0.15  # standard deviation of their positions, in widths and heights: one object is not a scene


@dataclass(frozen=True)
class CameraMotionState:
    """The last frame, as a small gray image."""

    before: np.ndarray | None


class CameraMotion:
    """Estimates how the camera moved since the previous frame; None if it stood still or the estimate is unreliable.

    Corners outside the known objects are followed by sparse optical flow (Lucas-Kanade in pyramids), and a similarity
    (shift, turn, zoom) is fitted to them by RANSAC.
    """

    def __init__(self) -> None:
        self._before: np.ndarray | None = None

    def reset(self) -> None:
        """Forget the last frame; the next one does not continue it."""
        self._before = None

    def state(self) -> CameraMotionState:
        """What `restore` needs."""
        return CameraMotionState(self._before)

    def restore(self, state: CameraMotionState) -> None:
        """Continue from `state`."""
        self._before = state.before

    def step(self, small: np.ndarray, boxes_xyxy: np.ndarray) -> np.ndarray | None:
        """Matrix (2, 3) that maps points (x, y, 1) of the previous frame to this one, both in the small image.

        `small` is uint8 gray (H, W), `boxes_xyxy` (N, 4) are the known objects of the previous frame.
        """
        before, self._before = self._before, small
        if before is None or before.shape != small.shape:
            return None
        scene = _outside(boxes_xyxy, before)
        corners = cv2.goodFeaturesToTrack(before, MAX_CORNERS, 0.01, CORNER_DISTANCE, mask=scene)
        if corners is None or len(corners) < MIN_CORNERS:
            return None
        moved, found, _ = cv2.calcOpticalFlowPyrLK(before, small, corners, corners.copy(), winSize=(15, 15), maxLevel=3)
        good = found[:, 0] > 0
        here, there = corners[good, 0], moved[good, 0]
        still = np.linalg.norm(there - here, axis=1) < MIN_FLOW
        if len(here) < MIN_CORNERS or still.mean() >= STILL_SHARE:
            return None
        matrix, agreed = cv2.estimateAffinePartial2D(here, there, method=cv2.RANSAC, ransacReprojThreshold=FIT_ERROR)
        if matrix is None or agreed.sum() < MIN_INLIERS * len(corners):
            return None
        spread = there[agreed[:, 0] > 0].std(axis=0) / small.shape[::-1]
        return matrix if spread.min() >= MIN_SPREAD else None


def _outside(boxes_xyxy: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Mask of the image: 0 in the boxes, 255 elsewhere."""
    mask = np.full(image.shape, 255, dtype=np.uint8)
    for left, top, right, bottom in np.clip(np.round(boxes_xyxy), 0, None).astype(int).tolist():
        mask[top : bottom + 1, left : right + 1] = 0
    return mask
