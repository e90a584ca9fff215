"""Lines and zones drawn with their counts."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Sequence

import cv2
import numpy as np

from vidtrack.render.labels import LabelMaker
from vidtrack.render.style import BLACK, WHITE, Sizes
from vidtrack.tracklog.crossings import Direction
from vidtrack.tracklog.zones import Line, Zone, pixels_of

_ARROWS = {(0, 1): "↓", (0, -1): "↑", (1, 1): "→", (1, -1): "←"}  # by axis and sign


class PlacesPainter:
    """Draws the lines and zones of one clip; `size` is the (width, height) of its image.

    Counts are those of `tally` by (name, direction). Raises MisfitError for a place outside the image.
    """

    def __init__(
        self, places: Sequence[Line | Zone], size: tuple[int, int], sizes: Sizes, labels: LabelMaker, white: float
    ) -> None:
        self._places = [(place, np.round(pixels_of(place, size)).astype(np.int32)) for place in places]
        self._sizes, self._labels, self._limit = sizes, labels, size
        self._ink = (round(WHITE[0] * white),) * 3
        self.tally: Tally[tuple[str, str]] = Tally()

    def paint(self, image: np.ndarray) -> np.ndarray:
        """Draw onto `image`; returns the edges (P, 4) of the labels."""
        band = self._sizes.line + 2 * self._sizes.casing
        for colour, width in ((BLACK, band), (self._ink, self._sizes.line)):
            for place, points in self._places:
                cv2.polylines(image, [points], isinstance(place, Zone), colour, width, cv2.LINE_AA)
        return np.array([self._paint_label(image, *own) for own in self._places]).reshape(-1, 4)

    def _paint_label(self, image: np.ndarray, place: Line | Zone, points: np.ndarray) -> tuple[int, int, int, int]:
        plate = self._labels.plate(f"{place.name} {self._counts(place, points)}", WHITE)
        middle = points[0] if isinstance(place, Line) else points[points[:, 1].argmin()]
        corner = np.round(middle - np.array(plate.size) / 2)
        left, top = np.clip(corner, 0, np.maximum(np.array(self._limit) - plate.size, 0)).astype(int).tolist()
        plate.press(image, left, top)
        return left, top, left + plate.size[0], top + plate.size[1]

    def _counts(self, place: Line | Zone, points: np.ndarray) -> str:
        def count(*directions: Direction) -> int:
            return sum(self.tally[place.name, str(direction)] for direction in directions)

        if isinstance(place, Zone):
            return f"{count(Direction.ENTER, Direction.APPEAR)} in {count(Direction.EXIT)} out"
        along = points[1] - points[0]
        rightwards = np.array([-along[1], along[0]])  # y grows to the right of a line along x
        axis = int(abs(rightwards[0]) > abs(rightwards[1]))
        sign = 1 if rightwards[1 - axis] > 0 else -1
        ways = ((_ARROWS[axis, sign], Direction.RIGHT), (_ARROWS[axis, -sign], Direction.LEFT))
        return " ".join(f"{arrow} {count(direction)}" for arrow, direction in ways)
