"""Hides parts of an image so that no detail remains."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

import cv2
import numpy as np

from vidtrack.core.errors import UsageError
from vidtrack.core.types import Frame, FrameTracks
from vidtrack.render.masks import MaskConfig, mask_of, within

_LEAST_BLOCK = 4  # pixels
_STEP = 1.2  # mosaic block sizes are powers of this, so that they rarely change while an object grows


class Method(StrEnum):
    """What replaces an object."""

    BLUR = "blur"
    PIXELATE = "pixelate"
    SOLID = "solid"


@dataclass(frozen=True)
class RedactionConfig:
    """How to hide; `blocks` is how many blocks of detail remain along the longer side of a box."""

    method: Method = Method.BLUR
    blocks: int = 8
    colour: tuple[int, int, int] = (0, 0, 0)  # RGB of SOLID
    mask: MaskConfig = field(default_factory=MaskConfig)

    def __post_init__(self) -> None:
        if not 1 <= self.blocks <= 32:
            raise UsageError(f"blocks is {self.blocks}", "give a number from 1 (no detail) to 32")


class Redactor:
    """Hides the objects of a frame."""

    def __init__(self, config: RedactionConfig) -> None:
        self._config = config

    def paint(self, frame: Frame, tracks: FrameTracks) -> Frame:
        """A copy of `frame` in which nothing inside the boxes of `tracks` shows."""
        image = frame.image.copy()
        size = image.shape[1], image.shape[0]
        for box in tracks.boxes_xyxy.astype(np.float64).tolist():
            mask = mask_of(box, size, self._config.mask)
            if mask is None:
                continue
            window = mask.window
            cover = self._cover(image[window], window[1].start, window[0].start, box)
            image[mask.inner] = cover[within(mask.inner, window)]
            for part, soft in mask.rim():
                image[part] = _blended(cover[within(part, window)], image[part], soft)
        return replace(frame, image=image)

    def _cover(self, part: np.ndarray, left: int, top: int, box: list[float]) -> np.ndarray:
        """What to show in place of `part` (h, w, 3), whose corner is at `left`, `top` of the image."""
        if self._config.method is Method.SOLID:
            levels = np.iinfo(part.dtype).max // 255
            return np.broadcast_to((np.array(self._config.colour) * levels).astype(part.dtype), part.shape)
        block = max(box[2] - box[0], box[3] - box[1], 2.0) / self._config.blocks
        block = max(_LEAST_BLOCK, round(_STEP ** np.ceil(np.log(block) / np.log(_STEP))))
        if self._config.method is Method.PIXELATE:
            return _mosaic(part, left, top, block)
        return _blurred(part, block)


def _blended(over: np.ndarray, under: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """`over` mixed into `under` (h, w, 3), opacity (h, w) float32; OpenCV mixes 8 bits or floats."""
    if over.dtype == np.uint8:
        return cv2.blendLinear(np.ascontiguousarray(over), under, opacity, 1 - opacity)
    mixed = cv2.blendLinear(over.astype(np.float32), under.astype(np.float32), opacity, 1 - opacity)
    return np.rint(mixed).astype(over.dtype)


def _mosaic(part: np.ndarray, left: int, top: int, block: int) -> np.ndarray:
    """Means of blocks on a grid fixed to the image, which stays still when the box moves."""
    height, width = part.shape[:2]
    block = min(block, max(left + width, top + height))  # the first block holds all of the part, and none is larger
    before_x, before_y = left % block, top % block
    after_x, after_y = -(before_x + width) % block, -(before_y + height) % block
    whole = cv2.copyMakeBorder(part, before_y, after_y, before_x, after_x, cv2.BORDER_REFLECT)
    few = cv2.resize(whole, (whole.shape[1] // block, whole.shape[0] // block), interpolation=cv2.INTER_AREA)
    many = cv2.resize(few, (whole.shape[1], whole.shape[0]), interpolation=cv2.INTER_NEAREST)
    return many[before_y : before_y + height, before_x : before_x + width]


def _blurred(part: np.ndarray, block: int) -> np.ndarray:
    """A blur of about `block` pixels, computed on a smaller image, so its cost does not grow with its strength."""
    height, width = part.shape[:2]
    few = cv2.resize(
        part, (max(1, round(2 * width / block)), max(1, round(2 * height / block))), interpolation=cv2.INTER_AREA
    )
    return cv2.resize(cv2.GaussianBlur(few, (0, 0), 1.2), (width, height), interpolation=cv2.INTER_LINEAR)
