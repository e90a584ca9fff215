"""Who crosses the lines and enters or leaves the zones of an image."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from vidtrack.core.errors import UsageError
from vidtrack.core.types import FrameTracks
from vidtrack.tracklog.records import Event
from vidtrack.tracklog.zones import LINE, ZONE, Line, Zone, area_of, contains, pixels_of

_MARGIN = 0.05  # of an object's size that it must be beyond an edge: boxes jitter
_MARGIN_OF_ZONE = 0.1  # of a zone's size that this margin may be at most
_BORDER = 1.0  # pixels from the image's border within which a zone's edge cannot be crossed


class Spot(StrEnum):
    """The point of a box that is counted."""

    BOTTOM = "bottom"  # where the object stands
    CENTER = "center"


class Direction(StrEnum):
    """Which way a line is crossed, seen from its first point to its second; or into, out of or first seen in a zone."""

    RIGHT = "right"
    LEFT = "left"
    ENTER = "enter"
    EXIT = "exit"
    APPEAR = "appear"


@dataclass(frozen=True)
class Crossing:
    """An object that crossed a line, entered, left or appeared in a zone, at the frame that confirmed it."""

    index: int
    pts: int
    kind: str
    name: str
    identity: int
    cls: int
    direction: Direction

    def event(self, class_names: Sequence[str]) -> Event:
        """The crossing as a log has it."""
        label = class_names[self.cls] if self.cls < len(class_names) else f"class {self.cls}"
        what = {
            Direction.RIGHT: f"crosses {self.name} to the right",
            Direction.LEFT: f"crosses {self.name} to the left",
            Direction.ENTER: f"enters {self.name}",
            Direction.EXIT: f"leaves {self.name}",
            Direction.APPEAR: f"appears in {self.name}",
        }[self.direction]
        message = f"{label} {self.identity} {what}"
        place = (self.name, self.identity, self.cls, str(self.direction))
        return Event(self.kind, message, self.index, self.pts, *place)


class LineSighting(NamedTuple):
    """Where a track last was for certain: on which side of a line (-1 left, 1 right), and its spot."""

    identity: int
    side: int
    x: float
    y: float


class ZoneSighting(NamedTuple):
    """Whether a track was inside a zone when that was last certain."""

    identity: int
    inside: bool


@dataclass(frozen=True)
class CounterState:
    """The sightings of each line and of each zone."""

    lines: tuple[tuple[LineSighting, ...], ...]
    zones: tuple[tuple[ZoneSighting, ...], ...]


class Counter:
    """Watches the objects of one clip, frame by frame, for crossings.

    `size` is the (width, height) of the image. An object is on a side, or inside, once its spot is a twentieth of its
    own size beyond the edge. Raises UsageError for a duplicate name and for places outside the image.
    """

    def __init__(
        self, lines: Sequence[Line], zones: Sequence[Zone], size: tuple[int, int], spot: Spot = Spot.BOTTOM
    ) -> None:
        names = [line.name for line in lines] + [zone.name for zone in zones]
        twice = [name for name, count in Tally(names).items() if count > 1]
        if twice:
            raise UsageError(f"two lines or zones are called {twice[0]}", "give each its own name")
        self._size, self._spot = np.array(size, np.float64), spot
        self._lines = [_LineWatch(line, pixels_of(line, size)) for line in lines]
        self._zones = [_ZoneWatch(zone, pixels_of(zone, size), self._size) for zone in zones]

    def state(self) -> CounterState:
        """What `restore` needs."""
        return CounterState(
            tuple(tuple(watch.seen.values()) for watch in self._lines),
            tuple(tuple(ZoneSighting(*one) for one in watch.seen.items()) for watch in self._zones),
        )

    def restore(self, state: CounterState) -> None:
        """Continue from `state`."""
        for line, sightings in zip(self._lines, state.lines, strict=True):
            line.seen = {sighting.identity: sighting for sighting in sightings}
        for zone, seen in zip(self._zones, state.zones, strict=True):
            zone.seen = dict(seen)

    def step(self, tracks: FrameTracks) -> list[Crossing]:
        """Crossings since the previous frame."""
        boxes = tracks.boxes_xyxy.astype(np.float64)
        spots = (boxes[:, :2] + boxes[:, 2:]) / 2
        if self._spot is Spot.BOTTOM:
            spots[:, 1] = boxes[:, 3]
        spots = np.clip(spots, 0.5, self._size - 0.5)  # (N, 2); a box that ends at the border stands inside the image
        margins = np.maximum(1.0, _MARGIN * np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1).clip(0)))
        found: list[Crossing] = []
        watches: list[_LineWatch | _ZoneWatch] = [*self._lines, *self._zones]
        for watch in watches:
            place: Line | Zone = watch.place
            for n, direction in watch.step(tracks.ids, spots, margins):
                identity, kind = int(tracks.ids[n]), int(tracks.classes[n])
                found.append(Crossing(tracks.index, tracks.pts, place.kind, place.name, identity, kind, direction))
        return found


def tally(events: Iterable[Event], classes_of: Mapping[int, int]) -> dict[tuple[str, str], dict[int, Tally[str]]]:
    """Crossings among a log's events: by (kind, name), then by class, then by direction.

    `classes_of` gives the class of a track; a track that it lacks counts by the class that the event names.
    """
    counts: dict[tuple[str, str], dict[int, Tally[str]]] = {}
    for event in crossings_of(events):
        of_place = counts.setdefault((event.kind, event.name or ""), {})
        kind = classes_of.get(event.identity or 0, event.cls or 0)
        of_place.setdefault(kind, Tally())[event.direction or ""] += 1
    return counts


def crossings_of(events: Iterable[Event]) -> Iterator[Event]:
    """Those events that are crossings of lines and zones."""
    return (event for event in events if event.kind in (LINE, ZONE))


class _LineWatch:
    def __init__(self, line: Line, ends: np.ndarray) -> None:
        self.place = line
        self._start, self._along = ends[0], ends[1] - ends[0]
        self._length = float(np.hypot(*self._along))
        self.seen: dict[int, LineSighting] = {}  # by id

    def step(self, ids: np.ndarray, spots: np.ndarray, margins: np.ndarray) -> Iterator[tuple[int, Direction]]:
        """(object, direction) of each crossing."""
        distances = self._distances(spots)
        for n in np.flatnonzero(np.abs(distances) > margins).tolist():
            identity, side = int(ids[n]), 1 if distances[n] > 0 else -1
            before = self.seen.get(identity)
            self.seen[identity] = LineSighting(identity, side, *spots[n].tolist())
            if before is not None and before.side != side and self._meets(np.array([before.x, before.y]), spots[n]):
                yield n, Direction.RIGHT if side > 0 else Direction.LEFT

    def _distances(self, spots: np.ndarray) -> np.ndarray:
        """Pixels (N,) to the right of the line; y grows to the right of a line along x."""
        offsets = spots - self._start
        return (self._along[0] * offsets[:, 1] - self._along[1] * offsets[:, 0]) / self._length

    def _meets(self, before: np.ndarray, after: np.ndarray) -> bool:
        """Whether the path between two spots on either side crosses the line rather than passing its ends."""
        sides = self._distances(np.stack([before, after]))
        at = before + (after - before) * sides[0] / (sides[0] - sides[1])
        share = float(np.dot(at - self._start, self._along)) / self._length**2
        return 0 <= share <= 1


class _ZoneWatch:
    def __init__(self, zone: Zone, corners: np.ndarray, size: np.ndarray) -> None:
        self.place = zone
        self._corners = corners  # (C, 2)
        following = np.roll(corners, -1, axis=0)
        on_border = ((corners <= _BORDER) & (following <= _BORDER)) | (
            (corners >= size - _BORDER) & (following >= size - _BORDER)
        )
        crossable = ~on_border.any(axis=1)
        self._starts, self._ends = corners[crossable], following[crossable]
        self._most = _MARGIN_OF_ZONE * area_of(corners) ** 0.5
        self.seen: dict[int, bool] = {}  # by id, whether it was inside

    def step(self, ids: np.ndarray, spots: np.ndarray, margins: np.ndarray) -> Iterator[tuple[int, Direction]]:
        """(object, direction) of each object that comes or goes."""
        within = contains(spots, self._corners)
        for n in np.flatnonzero(self._distances(spots) > np.minimum(margins, self._most)).tolist():
            identity, inside = int(ids[n]), bool(within[n])
            before = self.seen.get(identity)
            self.seen[identity] = inside
            if before is None and inside:
                yield n, Direction.APPEAR
            elif before is not None and before != inside:
                yield n, Direction.ENTER if inside else Direction.EXIT

    def _distances(self, spots: np.ndarray) -> np.ndarray:
        """Distance (N,) in pixels to the nearest edge that can be crossed."""
        if not len(self._starts):
            return np.full(len(spots), np.inf)
        along = self._ends - self._starts  # (E, 2)
        offsets = spots[:, None] - self._starts  # (N, E, 2)
        share = np.clip((offsets * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-9), 0, 1)
        return np.hypot(*np.moveaxis(offsets - share[..., None] * along, -1, 0)).min(axis=1)
