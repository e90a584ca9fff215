"""Labels as stamps: text on a coloured or a dark, translucent plate."""

from __future__ import annotations

import cv2
import numpy as np

from vidtrack.render.stamps import Stamp
from vidtrack.render.style import RGB, WHITE, Sizes, Style, ink_on

_PLATES_KEPT, _TEXTS_KEPT = 512, 512
_GLASS = 0.3  # the light that a quiet plate lets through
_WEIGHTS = {Style.QUIET: 500, Style.BOLD: 650}  # of the font; 400 is regular


class LabelMaker:
    """Makes plates; each is made once, as text is most of the cost of drawing. `white` is the level of white ink."""

    def __init__(self, sizes: Sizes, style: Style, white: float = 1.0) -> None:
        self._font = cv2.FontFace("sans")
        self._sizes, self._style, self._white = sizes, style, white
        self._plates: dict[tuple[str, RGB], Stamp] = {}
        self._texts: dict[str, np.ndarray] = {}

    def plate(self, text: str, colour: RGB) -> Stamp:
        """The label with `text` of a thing drawn in `colour`."""
        if (text, colour) not in self._plates:
            if len(self._plates) >= _PLATES_KEPT:
                del self._plates[next(iter(self._plates))]
            self._plates[text, colour] = self._make(text, colour)
        return self._plates[text, colour]

    def _make(self, text: str, colour: RGB) -> Stamp:
        words = [self._coverage(word) for word in text.split(" ")]
        pad, line, gap = self._sizes.pad, self._sizes.line, round(self._sizes.text * 0.28)
        bold = self._style is Style.BOLD
        bar = 0 if bold else line + line // 2
        height = words[0].shape[0] + pad
        width = bar + 2 * pad + sum(word.shape[1] for word in words) + gap * (len(words) - 1)
        ink = np.zeros((height, width))
        left = bar + pad
        for word in words:
            ink[pad // 2 : pad // 2 + word.shape[0], left : left + word.shape[1]] = word / 255
            left += word.shape[1] + gap
        plate = _rounded(width, height, min(self._sizes.radius, height // 3))
        ground = np.array(colour if bold else (0, 0, 0), np.float64)
        solid = plate if bold else plate * (1 - _GLASS)
        inked = np.array(ink_on(colour) if bold else WHITE, np.float64) * self._white
        add = (solid * (1 - ink))[..., None] * ground + (plate * ink)[..., None] * inked
        keep = 1 - solid * (1 - ink) - plate * ink
        if bar:
            add[:, :bar], keep[:, :bar] = plate[:, :bar, None] * np.array(colour, np.float64), 1 - plate[:, :bar]
        return Stamp.of(keep, add)

    def _coverage(self, word: str) -> np.ndarray:
        """How much of each pixel (H, W) uint8 the ink of a word covers."""
        if word not in self._texts:
            if len(self._texts) >= _TEXTS_KEPT:
                del self._texts[next(iter(self._texts))]
            size, weight = self._sizes.text, _WEIGHTS[self._style]
            _, _, width, _ = cv2.getTextSize((0, 0), word, (0, 0), self._font, size, weight)
            canvas = np.zeros((size + max(2, size // 3), width + 2, 3), np.uint8)
            cv2.putText(canvas, word, (0, size), WHITE, self._font, size, weight)
            self._texts[word] = canvas[..., 0]
        return self._texts[word]


def _rounded(width: int, height: int, radius: int) -> np.ndarray:
    """How much of each pixel (H, W) a rectangle with round corners covers."""
    across, down = np.arange(width) + 0.5, np.arange(height) + 0.5
    beyond_x = np.maximum(np.maximum(radius - across, across - (width - radius)), 0)
    beyond_y = np.maximum(np.maximum(radius - down, down - (height - radius)), 0)
    return np.clip(radius - np.hypot(beyond_y[:, None], beyond_x) + 0.5, 0, 1)
