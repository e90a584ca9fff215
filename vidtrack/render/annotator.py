"""Draws tracks onto frames: boxes, labels, trails, speeds, a heat map, and lines and zones with their counts."""

from __future__ import annotations

import itertools
from collections import Counter as Tally
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from vidtrack.core.types import Frame, FrameTracks
from vidtrack.render.heatmap import HeatMap
from vidtrack.render.labels import LabelMaker
from vidtrack.render.placement import LabelPlacer
from vidtrack.render.places import PlacesPainter
from vidtrack.render.stamps import BoxPen, Stamp
from vidtrack.render.style import DEFAULT_LOOK, RGB, Look, Part, Sizes, colour_of
from vidtrack.tracklog.records import Event
from vidtrack.tracklog.zones import Line, Zone

_WRITTEN = {Part.LABELS, Part.IDS, Part.SCORES, Part.SPEEDS}
_SPEED_SECONDS = 0.5  # over which speeds are measured
_SPEED_STEP = 10  # pixels per second: shown speeds are multiples, so that they can be read

_Point = tuple[float, float, float]  # (seconds, x, y) of the middle of a box's lower edge


@dataclass(frozen=True)
class AnnotatorState:
    """What is remembered of the frames before."""

    paths: tuple[tuple[int, tuple[_Point, ...]], ...]  # (id, points)
    sides: tuple[tuple[int, int], ...]  # (id, place of its label)
    counts: tuple[tuple[str, str, int], ...]  # (place, direction, count)
    heat: np.ndarray  # (rows, columns), empty without a heat map


class Annotator:
    """Draws the tracks of one clip, frame by frame.

    `size` is the image's (width, height), `white` the signal level of the brightest colour drawn: 1, or less in HDR.
    """

    def __init__(
        self,
        size: tuple[int, int],
        classes: Sequence[str],
        look: Look = DEFAULT_LOOK,
        white: float = 1.0,
        places: Sequence[Line | Zone] = (),
    ) -> None:
        self._look, self._classes, self._white = look, classes, white
        self._sizes = Sizes.fitting(size, look)
        self._labels = LabelMaker(self._sizes, look.style, white)
        self._pen = BoxPen(self._sizes)
        self._placer = LabelPlacer(size, self._pen.band // 2 + 1)
        shown = places if Part.ZONES in look.parts else ()
        self._places = PlacesPainter(shown, size, self._sizes, self._labels, white)
        self._heat = HeatMap(size) if Part.HEATMAP in look.parts else None
        kept = [(Part.TRAILS, look.trail_seconds), (Part.SPEEDS, _SPEED_SECONDS)]
        self._path_seconds = max((seconds for part, seconds in kept if part in look.parts), default=0.0)
        self._paths: dict[int, deque[_Point]] = {}

    def paint(self, frame: Frame, tracks: FrameTracks) -> Frame:
        """A copy of `frame` with `tracks` drawn; pixels of a 16-bit image that are not drawn on keep their depth."""
        if frame.image.dtype == np.uint16:
            shallow = replace(frame, image=(frame.image >> 8).astype(np.uint8))
            drawn = self.paint(shallow, tracks).image
            touched = (drawn != shallow.image).any(axis=2, keepdims=True)
            return replace(frame, image=np.where(touched, drawn * np.uint16(257), frame.image))
        image = frame.image.copy()
        if self._heat is not None:
            self._heat.add(tracks)
            self._heat.paint(image)
        self._follow(tracks)
        colours = [self._colour(tracks, n) for n in range(len(tracks))]
        if Part.TRAILS in self._look.parts:
            for identity, colour in zip(tracks.ids.tolist(), colours, strict=True):
                self._draw_trail(image, self._paths[identity], colour, float(tracks.seconds))
        taken = self._places.paint(image)
        if Part.BOXES in self._look.parts:
            self._draw_boxes(image, tracks, colours)
        if not _WRITTEN.isdisjoint(self._look.parts):
            self._draw_labels(image, tracks, colours, taken)
        return replace(frame, image=image)

    def count(self, event: Event) -> None:
        """Take note of a crossing of a line or zone."""
        self._places.tally[event.name or "", event.direction or ""] += 1

    def new_shot(self) -> None:
        """Forget where objects were: the next frame starts another shot."""
        self._paths.clear()
        self._placer.sides.clear()

    def state(self) -> AnnotatorState:
        """What `restore` needs."""
        return AnnotatorState(
            tuple((identity, tuple(path)) for identity, path in self._paths.items()),
            tuple(self._placer.sides.items()),
            tuple((name, direction, count) for (name, direction), count in self._places.tally.items()),
            np.zeros((0, 0), np.float32) if self._heat is None else self._heat.grid.copy(),
        )

    def restore(self, state: AnnotatorState) -> None:
        """Continue from `state`."""
        self._paths = {identity: deque(path) for identity, path in state.paths}
        self._placer.sides = dict(state.sides)
        self._places.tally = Tally({(name, direction): count for name, direction, count in state.counts})
        if self._heat is not None:
            self._heat.grid = state.heat

    def _colour(self, tracks: FrameTracks, n: int) -> RGB:
        number = int(tracks.classes[n]) + 1 if self._look.coloured_by_class else int(tracks.ids[n])
        red, green, blue = colour_of(number)
        return round(red * self._white), round(green * self._white), round(blue * self._white)

    def _follow(self, tracks: FrameTracks) -> None:
        """Extend the paths of the objects in the frame; those of others end."""
        if not self._path_seconds:
            return
        now = float(tracks.seconds)
        paths: dict[int, deque[_Point]] = {}
        for identity, (left, _, right, bottom) in zip(tracks.ids.tolist(), tracks.boxes_xyxy.tolist(), strict=True):
            path = paths[identity] = self._paths.get(identity, deque())
            path.append((now, (left + right) / 2, bottom))
            while path[0][0] < now - self._path_seconds:
                path.popleft()
        self._paths = paths

    def _draw_trail(self, image: np.ndarray, path: deque[_Point], colour: RGB, now: float) -> None:
        """A line from the oldest place, where it is thin, to the newest."""
        seconds, line, casing = self._look.trail_seconds, self._sizes.line, self._sizes.casing
        points = [point for point in path if point[0] >= now - seconds]
        for extra, ink in ((2 * casing, (0, 0, 0)), (0, colour)):
            for (_, x0, y0), (then, x1, y1) in itertools.pairwise(points):
                width = max(1, round(line * (1 - (now - then) / seconds)))
                ends = (round(x0 * 8), round(y0 * 8)), (round(x1 * 8), round(y1 * 8))
                cv2.line(image, *ends, ink, width + extra, cv2.LINE_AA, shift=3)

    def _draw_boxes(self, image: np.ndarray, tracks: FrameTracks, colours: Sequence[RGB]) -> None:
        height, width = image.shape[:2]
        inset = self._pen.band // 2  # a box that ends at the image's edge shows its line
        edges = np.clip(tracks.boxes_xyxy, inset, np.array((width, height) * 2) - 1 - inset)
        boxes, limit = tracks.boxes_xyxy, np.array([width, height])
        outside = np.any((boxes[:, 2:] <= 0) | (boxes[:, :2] >= limit), axis=1).tolist()
        for n in np.argsort(tracks.boxes_xyxy[:, 3], kind="stable").tolist():  # nearer objects stand lower: drawn last
            if not outside[n]:
                left, top, right, bottom = (round(v) for v in edges[n].tolist())
                self._pen.draw(image, (left, top, right, bottom), colours[n])

    def _draw_labels(self, image: np.ndarray, tracks: FrameTracks, colours: Sequence[RGB], taken: np.ndarray) -> None:
        plates: list[Stamp] = [self._labels.plate(self._text(tracks, n), colour) for n, colour in enumerate(colours)]
        sizes = np.array([plate.size for plate in plates]).reshape(-1, 2)
        corners = self._placer.place(tracks.ids, tracks.boxes_xyxy, sizes, taken)
        for plate, corner in zip(plates, corners, strict=True):
            if corner is not None:
                plate.press(image, *corner)

    def _text(self, tracks: FrameTracks, n: int) -> str:
        parts, identity = self._look.parts, int(tracks.ids[n])
        named, measured = [], []
        if Part.LABELS in parts:
            kind = int(tracks.classes[n])
            named.append(self._classes[kind] if kind < len(self._classes) else str(kind))
        if Part.IDS in parts or (Part.LABELS in parts and self._look.numbered):
            named.append(str(identity))
        if Part.SCORES in parts:
            measured.append(f"{tracks.scores[n]:.2f}")
        if Part.SPEEDS in parts:
            measured.append(f"{self._speed(identity)} px/s")
        return " · ".join([" ".join(named), *measured] if named else measured)  # "9 · 20 px/s", not "9 20 px/s"

    def _speed(self, identity: int) -> int:
        """Pixels per second, rounded, over the last moments."""
        path = [point for point in self._paths[identity] if point[0] >= self._paths[identity][-1][0] - _SPEED_SECONDS]
        (t0, x0, y0), (t1, x1, y1) = path[0], path[-1]
        return 0 if t1 <= t0 else round(float(np.hypot(x1 - x0, y1 - y0)) / (t1 - t0) / _SPEED_STEP) * _SPEED_STEP
