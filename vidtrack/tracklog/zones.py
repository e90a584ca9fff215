"""Lines and zones in the image."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vidtrack.core.errors import MisfitError, UsageError

LINE, ZONE = "line", "zone"  # kinds of the events in a log
_NUMBER = re.compile(r"\s*(-?\d{1,6}(?:\.\d{0,6})?)\s*(%?)\s*")


@dataclass(frozen=True)
class Line:
    """A line between two points (x, y), in pixels or percent of the image; raises UsageError for invalid points."""

    name: str
    points: tuple[tuple[float, float], ...]
    percent: bool = False

    kind = LINE

    def __post_init__(self) -> None:
        if len(self.points) != 2:
            raise UsageError(f"the line {self.name} has {_counted(self.points)}", "a line has two: NAME=x1,y1,x2,y2")
        if self.points[0] == self.points[1]:
            raise UsageError(f"the line {self.name} has no length")


@dataclass(frozen=True)
class Zone:
    """A polygon of points (x, y), in pixels or percent of the image; raises UsageError if it has no area."""

    name: str
    points: tuple[tuple[float, float], ...]
    percent: bool = False

    kind = ZONE

    def __post_init__(self) -> None:
        if len(self.points) < 3:
            raise UsageError(f"the zone {self.name} has {_counted(self.points)}", "a zone has three or more")
        if area_of(np.array(self.points)) == 0:
            raise UsageError(f"the zone {self.name} has no area")


def parse_line(text: str) -> Line:
    """The line that `NAME=x1,y1,x2,y2` means; raises UsageError."""
    return Line(*_parse(text, "line", "NAME=x1,y1,x2,y2"))


def parse_zone(text: str) -> Zone:
    """The polygon that `NAME=x1,y1,x2,y2,x3,y3,...` means; raises UsageError."""
    return Zone(*_parse(text, "zone", "NAME=x1,y1,x2,y2,x3,y3,..."))


def scaled(place: Line | Zone, scale: tuple[float, float]) -> Line | Zone:
    """The place in an image that is `scale` (across, down) times as large."""
    if place.percent:
        return place
    return replace(place, points=tuple((x * scale[0], y * scale[1]) for x, y in place.points))


def parse_region(text: str) -> Zone:
    """The polygon that `x1,y1,x2,y2,...` means, two points being the corners of a rectangle; raises UsageError."""
    points, percent = _points(text, text, "region", "x1,y1,x2,y2 or more points")
    if len(points) == 2:
        (left, top), (right, bottom) = points
        points = ((left, top), (right, top), (right, bottom), (left, bottom))
    return Zone(text.strip(), points, percent)


def pixels_of(place: Line | Zone, size: tuple[int, int]) -> np.ndarray:
    """The points (P, 2) in pixels; raises MisfitError for a place outside the image."""
    points = np.array(place.points, np.float64)
    if place.percent:
        points = points / 100 * size
    low, high = points.min(axis=0), points.max(axis=0)
    if (high < 0).any() or (low > size).any():
        raise MisfitError(
            f"the {place.kind} {place.name} lies outside the image of {size[0]}x{size[1]}",
            "percentages fit every size: NAME=10%,50%,90%,50%",
        )
    return points


def area_of(corners: np.ndarray) -> float:
    """Area of a polygon (C, 2)."""
    following = np.roll(corners, -1, axis=0)
    return abs(float((corners[:, 0] * following[:, 1] - following[:, 0] * corners[:, 1]).sum())) / 2


def contains(spots: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Whether spots (N, 2) lie in a polygon (C, 2): a ray to the right leaves it an odd number of times."""
    following = np.roll(corners, -1, axis=0)
    x, y = spots[:, :1], spots[:, 1:]
    spans = (corners[:, 1] > y) != (following[:, 1] > y)  # (N, C)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (following[:, 0] - corners[:, 0]) / (following[:, 1] - corners[:, 1])
        right = x < corners[:, 0] + (y - corners[:, 1]) * slope
    return (spans & right).sum(axis=1) % 2 == 1


def in_regions(
    boxes_xyxy: np.ndarray, regions: Sequence[Zone], ignored: Sequence[Zone], size: tuple[int, int]
) -> np.ndarray:
    """Whether the centres of boxes (N, 4) lie in a region, or anywhere if there are none, and in no ignored one.

    Raises MisfitError for a region outside the image of `size` (width, height).
    """
    centres = (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2
    kept = np.full(len(centres), not regions)
    for region in regions:
        kept |= contains(centres, pixels_of(region, size))
    for region in ignored:
        kept &= ~contains(centres, pixels_of(region, size))
    return kept


def _counted(points: Sequence[object]) -> str:
    return f"{len(points)} point{'' if len(points) == 1 else 's'}"


def _parse(text: str, kind: str, form: str) -> tuple[str, tuple[tuple[float, float], ...], bool]:
    name, equals, rest = text.partition("=")
    points, percent = _points(rest if equals and name.strip() else "", text, kind, form)
    return name.strip(), points, percent


def _points(numbers_text: str, text: str, kind: str, form: str) -> tuple[tuple[tuple[float, float], ...], bool]:
    """The points of comma-separated numbers, and whether they are percent; errors quote `text`."""
    numbers = [_NUMBER.fullmatch(number) for number in numbers_text.split(",")]
    if len(numbers) % 2 or None in numbers:
        raise UsageError(f"{text!r} is not a valid {kind}", f"give {form}, in pixels or percent")
    found = [number for number in numbers if number is not None]
    units = {number[2] for number in found}
    if len(units) > 1:
        raise UsageError(f"{text!r} mixes pixels and percent", "use one of them for all numbers")
    values = [float(number[1]) for number in found]
    return tuple(zip(values[::2], values[1::2], strict=True)), units == {"%"}
