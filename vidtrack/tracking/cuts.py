"""Hard cuts in edited footage: frames that continue nothing of the previous one."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

THUMBNAIL_LONGEST = 320  # pixels of the longer side
THUMB = (64, 36)  # width, height
BLOCK = (16, 12)  # the thumbnail is compared block by block, as objects and camera move
REACH = (14, 8)  # how far a block may have moved: a fifth of the image
MIN_CONTRAST = 4.0  # grey levels; a flatter block says nothing
CUT_DIFFERENCE = 0.37  # mean of 1 - correlation; neighbouring frames stay under 0.3, 98 % of cuts lie above
UNREST = 0.5  # share of the recent differences that a cut must show on top


def thumbnail_gray(image: np.ndarray) -> np.ndarray:
    """Small gray image (h, w) uint8 of an RGB image (H, W, 3), at most 320 pixels on its longer side."""
    height, width = image.shape[:2]
    scale = min(1.0, THUMBNAIL_LONGEST / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    step = int(0.5 / scale)
    if step > 1:  # of a large image every few pixels are enough to average over
        image = cv2.resize(image, (width // step, height // step), interpolation=cv2.INTER_NEAREST)
    return cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)


@dataclass(frozen=True)
class CutDetectorState:
    """The thumbnail of the last frame, and how restless the shot has been."""

    before: np.ndarray | None
    unrest: float


class CutDetector:
    """Tells the first frame of every shot but the first.

    Each block of a small grey image is looked for around its place in the one before, by correlation: motion
    leaves it findable, and brightness and contrast, so a flash or an exposure change, cancel out. Where much changes
    from frame to frame anyway (something large passes, few frames per second), a cut must stand out. An image without
    contrast (black, white, a full flash) decides nothing; the next one is compared with the last one before it.
    """

    def __init__(self) -> None:
        self._before: np.ndarray | None = None
        self._unrest = 0.0  # running mean of the differences within the shot

    def reset(self) -> None:
        """Forget the last frame; the next one belongs to another clip."""
        self._before, self._unrest = None, 0.0

    def state(self) -> CutDetectorState:
        """What `restore` needs."""
        return CutDetectorState(self._before, self._unrest)

    def restore(self, state: CutDetectorState) -> None:
        """Continue from `state`."""
        self._before, self._unrest = state.before, state.unrest

    def is_cut(self, small: np.ndarray) -> bool:
        """Whether the frame of which `small` is a grey image continues nothing of the frame of the call before."""
        now = cv2.resize(small, THUMB, interpolation=cv2.INTER_AREA)
        blocks = [(x, y) for y in range(0, THUMB[1], BLOCK[1]) for x in range(0, THUMB[0], BLOCK[0])]
        telling = [(x, y) for x, y in blocks if _block(now, x, y).std() >= MIN_CONTRAST]
        if len(telling) < len(blocks) / 4:
            return False
        before, self._before = self._before, now
        changed = 0.0 if before is None else difference(before, now, telling)
        cut = changed > CUT_DIFFERENCE + UNREST * self._unrest
        self._unrest = 0.0 if cut else (self._unrest + changed) / 2
        return cut


def difference(before: np.ndarray, now: np.ndarray, blocks: list[tuple[int, int]]) -> float:
    """Mean over the `blocks` (left, top) of 1 less the best correlation around their place in the thumbnail before."""
    worst = []
    for x, y in blocks:
        around = before[max(0, y - REACH[1]) : y + BLOCK[1] + REACH[1], max(0, x - REACH[0]) : x + BLOCK[0] + REACH[0]]
        found = cv2.matchTemplate(around, _block(now, x, y), cv2.TM_CCOEFF_NORMED)
        worst.append(1.0 - float(found.max()))
    return float(np.mean(worst))


def _block(thumb: np.ndarray, x: int, y: int) -> np.ndarray:
    return np.ascontiguousarray(thumb[y : y + BLOCK[1], x : x + BLOCK[0]])
