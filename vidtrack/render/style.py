"""How tracks look: what is drawn, colours, and sizes that fit the image; no heavy imports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

RGB = tuple[int, int, int]

# Found by farthest-point search in OKLab (Ottosson 2020): each colour is as far as can be from all before it, to the
# eye of normal, protanopic, deuteranopic and tritanopic people (Machado 2009), and none is dark, pale or grey.
PALETTE: tuple[RGB, ...] = (
    (60, 180, 255), (255, 105, 0), (240, 225, 105), (0, 240, 255), (150, 90, 255),
    (255, 150, 165), (180, 105, 165), (210, 195, 0), (0, 165, 105), (210, 45, 210),
)  # fmt: skip
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
SMALLEST_TEXT = 14  # pixels: what can still be read after encoding
SMALLEST_LINE = 2


class Part(StrEnum):
    """Something that can be drawn."""

    BOXES = "boxes"
    LABELS = "labels"  # class and ID
    IDS = "ids"
    SCORES = "scores"
    SPEEDS = "speeds"  # pixels per second
    TRAILS = "trails"
    ZONES = "zones"  # and lines, with their counts
    HEATMAP = "heatmap"


class Style(StrEnum):
    """How much the drawing draws attention."""

    QUIET = "quiet"
    BOLD = "bold"


@dataclass(frozen=True)
class Look:
    """What is drawn and how; a `line` or `text` of None, in pixels, fits the image.

    `steady` boxes are smoothed, and bridge short gaps, in the image only: the log keeps what was measured.
    """

    style: Style = Style.QUIET
    parts: tuple[Part, ...] = (Part.BOXES, Part.LABELS, Part.ZONES)
    trail_seconds: float = 1.5
    coloured_by_class: bool = False
    line: int | None = None
    text: int | None = None
    steady: bool = True
    numbered: bool = True  # labels show the track's ID


DEFAULT_LOOK = Look()


@dataclass(frozen=True)
class Sizes:
    """Sizes in pixels; around a line runs a dark `casing`, so that it shows on any ground."""

    line: int
    casing: int
    radius: int  # of the corners of boxes
    text: int
    pad: int  # around text

    @classmethod
    def fitting(cls, size: tuple[int, int], look: Look = DEFAULT_LOOK) -> Sizes:
        """Sizes that look the same at every resolution and stay readable at the smallest; `size` is (width, height)."""
        height = (size[0] * size[1] * 9 / 16) ** 0.5  # of a 16:9 image of as many pixels: portrait is like landscape
        bold = look.style is Style.BOLD
        line = look.line or max(SMALLEST_LINE + bold, round(height / (270 if bold else 400)))
        text = look.text or max(SMALLEST_TEXT, round(height / (42 if bold else 50)))
        return cls(line, max(1, round(line / 3)), 2 * line, text, max(3, round(text / 3)))


def colour_of(identity: int) -> RGB:
    """The colour of a track, the same in every frame and run."""
    return PALETTE[(identity - 1) % len(PALETTE)]


def ink_on(colour: RGB) -> RGB:
    """Black or white, whichever is easier to read on `colour` (WCAG 2 contrast)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return BLACK if (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) else WHITE
