"""Soft masks: full over a whole box, fading out beyond it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from vidtrack.errors import UsageError

Window = tuple[slice, slice]  # rows and columns of a picture


class Shape(StrEnum):
    """The outline of a mask; an ellipse goes through the corners of the box, so that it too hides all of it."""

    BOX = "box"
    ELLIPSE = "ellipse"


@dataclass(frozen=True)
class MaskConfig:
    """Outline and edge; `feather` is how far a mask fades out beyond the box, in shares of its shorter side."""

    shape: Shape = Shape.BOX
    feather: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.feather <= 10:
            raise UsageError(f"the feather is {self.feather:g}", "give 0 (hard) to 10")


def mask_of(
    box_xyxy: tuple[float, float, float, float], size: tuple[int, int], config: MaskConfig
) -> tuple[Window, np.ndarray] | None:
    """The part of a picture of `size` (width, height) that a mask touches, and the mask there (h, w) float32 in [0, 1].

    None where the box is empty or the mask lies outside the picture.
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
    across = np.abs(np.arange(x0, x1, dtype=np.float32) + np.float32(0.5 - middle_x))[None, :]  # (1, w)
    down = np.abs(np.arange(y0, y1, dtype=np.float32) + np.float32(0.5 - middle_y))[:, None]  # (h, 1)
    if config.shape is Shape.BOX:
        mask = _falling(across - half_width, fade) * _falling(down - half_height, fade)
    else:
        radius = np.sqrt((across / half_width) ** 2 + (down / half_height) ** 2)  # 1 on the outline
        mask = _falling((radius - 1) * min(half_width, half_height), fade)
    return (slice(y0, y1), slice(x0, x1)), mask


def _span(middle: float, half: float, length: int) -> tuple[int, int]:
    return max(0, math.floor(middle - half)), min(length, math.ceil(middle + half))


def _falling(outside: np.ndarray, fade: float) -> np.ndarray:
    """1 up to the outline, then down to 0 at `fade` pixels from it, smoothly at both ends."""
    if fade < 0.5:
        return (outside <= 0).astype(np.float32)
    rest = np.clip(1 - outside / np.float32(fade), 0, 1)
    return rest * rest * (3 - 2 * rest)
