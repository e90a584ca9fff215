"""Frames, tracks and contrast for tests of what is drawn."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from vidtrack.core.types import Frame, FrameTracks

CLASSES = ("person", "Straßenbahn")


def frame(index: int = 0, size: tuple[int, int] = (320, 180), grey: int = 90) -> Frame:
    return Frame(index, index, Fraction(1, 25), np.full((size[1], size[0], 3), grey, np.uint8))


def tracks(index: int, *boxes: tuple[float, ...], ids: list[int] | None = None, state: int = 0) -> FrameTracks:
    count = len(boxes)
    return FrameTracks(
        index,
        index,
        Fraction(1, 25),
        np.array(ids or range(1, count + 1), np.int64),
        np.zeros(count, np.int64),
        np.full(count, 0.5, np.float32),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.full(count, state, np.int64),
    )


def contrast(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    def luminance(rgb: tuple[int, ...]) -> float:
        c = np.array(rgb) / 255
        return float(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])

    bright, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)
