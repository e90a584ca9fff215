"""Draws tracks onto frames: boxes, labels and fading trails, at a size that fits the image."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import cv2
import numpy as np

from vidtrack.core.types import Frame, FrameTracks, ObjectState

# RGB. Found by farthest-point search in OKLab (Ottosson 2020) among colours neither dark nor grey, so that each is as
# far as can be from all before it: the lower two ids are, the better they can be told apart.
PALETTE = (
    (0, 165, 255), (255, 0, 0), (0, 255, 0), (225, 0, 255), (135, 120, 0), (255, 180, 240), (90, 30, 255),
    (135, 255, 225), (180, 15, 120), (240, 240, 60), (120, 90, 165), (255, 150, 90), (0, 165, 45), (165, 60, 45),
    (0, 165, 165), (150, 60, 225), (255, 105, 225), (255, 120, 150), (60, 90, 210), (165, 165, 255),
)  # fmt: skip
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)
_TILES_KEPT = 512  # rendered pieces of text

_Point = tuple[float, int, int]  # (seconds, x, y) of the middle of a box's lower edge
_Colour = tuple[int, int, int]  # RGB
_Edges = tuple[int, int, int, int]  # left, top, right, bottom


def colour_of(identity: int) -> _Colour:
    """RGB colour of a track, the same in every frame and run."""
    return PALETTE[(identity - 1) % len(PALETTE)]


def ink_on(colour: _Colour) -> _Colour:
    """Black or white, whichever is easier to read on `colour` (WCAG 2 contrast)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return _BLACK if (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) else _WHITE


@dataclass(frozen=True)
class Style:
    """Sizes in pixels of the image."""

    line: int
    text: int
    pad: int

    @classmethod
    def fitting(cls, size: tuple[int, int]) -> Style:
        """Sizes that look the same at every resolution and stay readable at the smallest; `size` is (width, height)."""
        scale = (size[0] * size[1]) ** 0.5
        text = max(10, round(scale / 65))
        return cls(line=max(1, round(scale / 480)), text=text, pad=max(2, text // 4))


class Label(StrEnum):
    """What is written next to a box."""

    FULL = "full"  # class, id and score
    ID = "id"
    NONE = "none"


@dataclass(frozen=True)
class Look:
    """Which parts of a track are drawn, and how; None is a size that fits the image."""

    boxes: bool = True
    label: Label = Label.FULL
    trail_seconds: float = 1.5  # 0 draws none
    coloured_by_class: bool = False
    line: int | None = None
    text: int | None = None


@dataclass(frozen=True)
class AnnotatorState:
    """What is remembered of each track seen recently."""

    trails: tuple[tuple[int, tuple[_Point, ...]], ...]  # (id, points)
    colours: tuple[tuple[int, _Colour], ...]  # (id, colour)


class Annotator:
    """Draws the tracks of one clip, frame by frame, with the recent path of each.

    `white` is the signal level of the brightest colour drawn: 1, or less in HDR.
    """

    def __init__(self, size: tuple[int, int], classes: Sequence[str], look: Look = Look(), white: float = 1.0) -> None:
        fitting = Style.fitting(size)
        text = look.text or fitting.text
        self._style = Style(look.line or fitting.line, text, max(2, text // 4))
        self._look = look
        self._classes = classes
        self._white = white
        self._colours: dict[int, _Colour] = {}  # of each track lately seen
        self._trails: dict[int, deque[_Point]] = {}
        self._text = _TextTiles(self._style.text)

    def paint(self, frame: Frame, tracks: FrameTracks) -> Frame:
        """A copy of `frame` with `tracks` drawn; pixels of a 16-bit image that are not drawn on keep their depth."""
        if frame.image.dtype == np.uint16:
            shallow = replace(frame, image=(frame.image >> 8).astype(np.uint8))
            drawn = self.paint(shallow, tracks).image
            touched = (drawn != shallow.image).any(axis=2, keepdims=True)
            return replace(frame, image=np.where(touched, drawn * np.uint16(257), frame.image))
        image = frame.image.copy()
        self._remember(tracks)
        if self._look.trail_seconds > 0:
            for identity, trail in self._trails.items():
                self._draw_trail(image, trail, self._colours[identity], float(tracks.seconds))
        order = np.argsort(tracks.boxes_xyxy[:, 3], kind="stable")  # nearer objects stand lower: drawn last
        if self._look.boxes:
            for n in order:
                self._draw_box(image, tracks, n)
        if self._look.label is not Label.NONE:
            placed: list[_Edges] = []
            for n in order[::-1]:
                placed.append(self._draw_label(image, tracks, n, placed))
        return replace(frame, image=image)

    def state(self) -> AnnotatorState:
        """What `restore` needs."""
        trails = tuple((identity, tuple(trail)) for identity, trail in self._trails.items())
        return AnnotatorState(trails, tuple(self._colours.items()))

    def restore(self, state: AnnotatorState) -> None:
        """Continue from `state`."""
        self._trails = {identity: deque(trail) for identity, trail in state.trails}
        self._colours = dict(state.colours)

    def new_shot(self) -> None:
        """Drop the trails: the next frame starts another shot."""
        self._trails.clear()
        self._colours.clear()

    def _remember(self, tracks: FrameTracks) -> None:
        now = float(tracks.seconds)
        by_class = self._look.coloured_by_class
        for n, (identity, (left, _, right, bottom)) in enumerate(
            zip(tracks.ids.tolist(), tracks.boxes_xyxy.tolist(), strict=True)
        ):
            red, green, blue = colour_of(int(tracks.classes[n]) + 1 if by_class else identity)
            self._colours[identity] = round(red * self._white), round(green * self._white), round(blue * self._white)
            trail = self._trails.setdefault(identity, deque())
            trail.append((now, round((left + right) / 2), round(bottom)))
        for identity, trail in list(self._trails.items()):
            while trail and trail[0][0] < now - self._look.trail_seconds:
                trail.popleft()
            if not trail:
                del self._trails[identity], self._colours[identity]

    def _draw_trail(self, image: np.ndarray, trail: deque[_Point], colour: _Colour, now: float) -> None:
        """Lines from old to new; older ones are more transparent."""
        height, width = image.shape[:2]
        for (_, x0, y0), (seconds, x1, y1) in itertools.pairwise(trail):
            age = (now - seconds) / self._look.trail_seconds
            under = image[min(max((y0 + y1) // 2, 0), height - 1), min(max((x0 + x1) // 2, 0), width - 1)]
            mixed = [round(c + (float(u) - c) * 0.9 * age) for c, u in zip(colour, under.tolist(), strict=True)]
            cv2.line(image, (x0, y0), (x1, y1), mixed, self._style.line, cv2.LINE_AA)

    def _draw_box(self, image: np.ndarray, tracks: FrameTracks, n: int) -> None:
        left, top, right, bottom = (round(v) for v in tracks.boxes_xyxy[n].tolist())
        colour, line = self._colours[int(tracks.ids[n])], self._style.line
        if tracks.states[n] == ObjectState.DETECTED:
            cv2.rectangle(image, (left, top), (right, bottom), colour, line)
            return
        reach_x, reach_y = max(2, (right - left) // 5), max(2, (bottom - top) // 5)  # corners only: not detected
        for x, to_x in ((left, left + reach_x), (right, right - reach_x)):
            for y, to_y in ((top, top + reach_y), (bottom, bottom - reach_y)):
                cv2.line(image, (x, y), (to_x, y), colour, line)
                cv2.line(image, (x, y), (x, to_y), colour, line)

    def _draw_label(self, image: np.ndarray, tracks: FrameTracks, n: int, taken: list[_Edges]) -> _Edges:
        """Draw without covering another label, if possible; returns its left, top, right, bottom."""
        colour = self._colours[int(tracks.ids[n])]
        full = (self._name(tracks, n), f" {tracks.scores[n]:.2f}")
        pieces = [self._text.tile(text) for text in (full if self._look.label is Label.FULL else (str(tracks.ids[n]),))]
        pad, line = self._style.pad, self._style.line
        width = sum(piece.shape[1] for piece in pieces) + 2 * pad
        height = pieces[0].shape[0] + pad
        place = _place_label(tracks.boxes_xyxy[n], (width, height), line, image.shape[1::-1], taken)
        left, top = place[0], place[1]
        right, bottom = min(left + width, image.shape[1]), min(top + height, image.shape[0])
        coverage = np.zeros((height, width), np.uint8)
        at = pad
        for piece in pieces:
            coverage[pad // 2 : pad // 2 + piece.shape[0], at : at + piece.shape[1]] = piece
            at += piece.shape[1]
        alpha = coverage[: bottom - top, : right - left, None].astype(np.float32) / 255
        ink = np.array(ink_on(colour), np.float32) * self._white
        ground = np.array(colour, np.float32)
        image[top:bottom, left:right] = (ground + (ink - ground) * alpha + 0.5).astype(np.uint8)
        return place

    def _name(self, tracks: FrameTracks, n: int) -> str:
        kind = int(tracks.classes[n])
        name = self._classes[kind] if kind < len(self._classes) else str(kind)
        return f"{name} {tracks.ids[n]}"


class _TextTiles:
    """Text as coverage images (H, W) uint8; each piece is rendered once, as that is most of the cost of drawing."""

    def __init__(self, height: int) -> None:
        self._font = cv2.FontFace("sans")
        self._height = height
        self._tiles: dict[str, np.ndarray] = {}

    def tile(self, text: str) -> np.ndarray:
        if text not in self._tiles:
            if len(self._tiles) >= _TILES_KEPT:
                self._tiles.pop(next(iter(self._tiles)))
            self._tiles[text] = self._render(text)
        return self._tiles[text]

    def _render(self, text: str) -> np.ndarray:
        ascent, descent = self._height, max(2, self._height // 3)
        shown = text.replace(" ", "\u00a0") if text != text.strip() else text  # blanks at the ends have no width
        _, _, width, _ = cv2.getTextSize((0, 0), shown, (0, 0), self._font, self._height, 400)
        canvas = np.zeros((ascent + descent, width + 2, 3), np.uint8)
        cv2.putText(canvas, shown, (0, ascent), _WHITE, self._font, self._height, 400)
        return canvas[..., 0]


def _place_label(
    box: np.ndarray,
    label: tuple[int, int],
    line: int,
    frame_size: tuple[int, int],
    taken: list[_Edges],
) -> _Edges:
    """Above the box, inside its top or below it: the first free place inside the image, else the first place."""
    width, height = label
    left, top, _, bottom = (round(v) for v in box.tolist())
    places = []
    for y in (top - height, top + line, bottom - height, bottom + line):
        x = min(max(left - line // 2, 0), max(0, frame_size[0] - width))
        if 0 <= y <= frame_size[1] - height:
            places.append((x, y, x + width, y + height))
    if not places:  # the box exceeds the image, or is taller
        y = min(max(top, 0), max(0, frame_size[1] - height))
        x = min(max(left, 0), max(0, frame_size[0] - width))
        places.append((x, y, x + width, y + height))
    return next((place for place in places if not any(_overlap(place, other) for other in taken)), places[0])


def _overlap(a: _Edges, b: _Edges) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
