"""A sequence's tracks over time as one image that shows where identity broke."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np

from vidtrack.core.atomic_files import write_whole
from vidtrack.core.wording import plural
from vidtrack.evaluation.coverage import NOBODY, Coverage
from vidtrack.evaluation.metrics import TrackingScores
from vidtrack.render.style import colour_of, ink_on

_WIDTH, _LEFT, _RIGHT = 1600, 90, 190  # pixels; between the margins runs the time
_TOP, _BELOW, _FOOT = 92, 76, 44  # title and legend, false boxes, time axis
_MOST_HEIGHT = 12000
_SMALL_GAP = 60  # after a longer one the id is written again
_INK, _GREY, _LIGHT, _MISSED, _WHITE = (30, 30, 30), (110, 110, 110), (228, 228, 228), (190, 190, 190), (255, 255, 255)
_RED = (200, 30, 30)

_Colour = tuple[int, int, int]  # RGB


def draw_coverage(
    title: str, coverage: Coverage, scores: TrackingScores, frames_per_second: float | None = None
) -> np.ndarray:
    """One row an object of the ground truth, coloured by the id that covers it; RGB uint8 (H, W, 3).

    Colours are those of the annotated video. Frames without a result on the object are grey, those without the
    object empty; a switch is a black mark. Below stand the boxes on no object, frame by frame.
    """
    return _Chart(coverage, frames_per_second).draw(title, scores)


def write_figure(image: np.ndarray, path: Path) -> None:
    """Write an RGB image as PNG; raises OutputError if that fails."""
    write_whole(path, cv2.imencode(".png", image[..., ::-1])[1].tobytes())


class _Chart:
    """The image of one sequence while it is drawn."""

    def __init__(self, coverage: Coverage, frames_per_second: float | None) -> None:
        self.coverage, self.rate = coverage, frames_per_second
        _, first = np.unique(coverage.truth_ids, return_index=True)
        self.objects = coverage.truth_ids[np.sort(first)]  # (T,) in order of appearance
        self.row = int(np.clip((_MOST_HEIGHT - _TOP - _BELOW - _FOOT) // max(1, len(self.objects)), 4, 26))
        self.bottom = _TOP + self.row * len(self.objects)
        self.image = np.full((self.bottom + _BELOW + _FOOT, _WIDTH, 3), 255, np.uint8)
        self.scale = (_WIDTH - _LEFT - _RIGHT) / max(1, coverage.length)  # pixels a frame
        self.font = cv2.FontFace("sans")

    def draw(self, title: str, scores: TrackingScores) -> np.ndarray:
        self._draw_head(title, scores)
        self._draw_axis()
        order = np.lexsort((self.coverage.frames, self.coverage.truth_ids))
        ids = self.coverage.truth_ids[order]
        for number, identity in enumerate(self.objects):
            low, high = np.searchsorted(ids, [identity, identity + 1])
            self._draw_object(_TOP + number * self.row, int(identity), order[low:high])
        self._draw_false_boxes()
        return self.image

    def _draw_head(self, title: str, scores: TrackingScores) -> None:
        self._write(title, 10, 26, _INK, 20, 700)
        shares = "   ".join(
            f"{name} {100 * value:.1f}"
            for name, value in (("HOTA", scores.hota), ("AssA", scores.assa), ("IDF1", scores.idf1))
        )
        numbers = (
            plural(scores.switches, "switch", "switches"),
            plural(len(self.objects), "object"),
            plural(scores.result_tracks, "track"),
        )
        counts = "   ".join(numbers)
        self._write(f"{shares}   {counts}", 10, 50, _GREY, 15)
        x, y = 10, 76
        self._fill(x, x + 34, y - 11, y + 3, colour_of(7))
        self._write("7", x + 13, y + 1, ink_on(colour_of(7)), 12)
        x += 40 + self._write("covered by track 7, in its colour of the video", x + 40, y, _GREY, 13) + 26
        self._fill(x, x + 34, y - 6, y - 2, _MISSED)
        x += 40 + self._write("missed", x + 40, y, _GREY, 13) + 26
        self._mark(x + 6, y - 11, y + 3)
        x += 18 + self._write("identity switch", x + 18, y, _GREY, 13) + 26
        self._write("empty: the object is absent", x, y, _GREY, 13)

    def _draw_axis(self) -> None:
        foot = self.bottom + _BELOW
        step = _nice_step(self.coverage.length, 12)
        for frame in range(0, self.coverage.length + 1, step):
            x = self._x(frame)
            cv2.line(self.image, (x, _TOP), (x, foot), _LIGHT, 1)
            text = str(frame) if self.rate is None else f"{frame} ({frame / self.rate:.1f} s)"
            self._write(text, x - self._width(text, 12) // 2, foot + 18, _GREY, 12)
        self._write("frame", 10, foot + 18, _GREY, 12)
        cv2.line(self.image, (_LEFT, self.bottom), (_WIDTH - _RIGHT, self.bottom), _GREY, 1)

    def _draw_object(self, top: int, identity: int, entries: np.ndarray) -> None:
        """`entries` index the object's boxes, in the order of frames."""
        covered_by, frames = self.coverage.covered_by[entries], self.coverage.frames[entries]
        gap = 0 if self.row < 8 else max(1, self.row // 8)
        low, high, middle = top + gap, top + self.row - gap, top + self.row // 2
        switches = set(frames[self.coverage.switched[entries]].tolist())
        runs = list(_runs(frames, covered_by))
        for start, end, by in sorted(runs, key=lambda run: run[2] != NOBODY):  # covered over missed
            left, right = self._x(start - 1), max(self._x(end), self._x(start - 1) + 1)
            if by == NOBODY:
                thick = max(1, self.row // 10)
                self._fill(left, right, middle - thick, middle + thick, _MISSED)
                continue
            self._fill(left, right, low, high, colour_of(by))
        if self.row >= 14:
            for left, right, by in self._stretches(runs):
                text, ground = str(by), colour_of(by)
                indent = 8 if any(abs(self._x(frame - 1) - left) < 2 for frame in switches) else 3
                width = self._width(text, 12)
                if indent + width + 1 <= right - left:
                    self._fill(left + indent - 1, left + indent + width + 1, middle - 6, middle + 5, ground)
                    self._write(text, left + indent, middle + 4, ink_on(ground), 12, 600)
        for frame in switches:
            self._mark(self._x(frame - 1), top, top + self.row)
        if self.row >= 12:
            share = f"{np.mean(covered_by != NOBODY):.0%} covered"
            self._write(f"object {identity}", 10, middle + 4, _INK, 12)
            self._write(share, _WIDTH - _RIGHT + 10, middle + 4, _INK, 12)
            if switches:
                self._write(plural(len(switches), "switch", "switches"), _WIDTH - _RIGHT + 105, middle + 4, _RED, 12)

    def _stretches(self, runs: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
        """Left, right and id of every stretch on which one id comes back after no more than a small gap."""
        found: list[tuple[int, int, int]] = []
        for start, end, by in runs:
            left, right = self._x(start - 1), self._x(end)
            if by == NOBODY:
                continue
            if found and found[-1][2] == by and left - found[-1][1] <= _SMALL_GAP:
                found[-1] = (found[-1][0], right, by)
            else:
                found.append((left, right, by))
        return found

    def _draw_false_boxes(self) -> None:
        counts, base = self.coverage.false_boxes, self.bottom + _BELOW
        highest = max(1, int(counts.max(initial=0)))
        reach = _BELOW - 20
        columns = np.zeros(_WIDTH, np.int64)  # the most of the frames a column stands for
        for frame in np.flatnonzero(counts):
            left = self._x(int(frame))
            right = max(self._x(int(frame) + 1), left + 1)
            columns[left:right] = np.maximum(columns[left:right], counts[frame])
        for x in np.flatnonzero(columns):
            self._fill(int(x), int(x) + 1, base - max(1, round(reach * int(columns[x]) / highest)), base, _GREY)
        self._write("false", 10, base - 24, _INK, 12)
        self._write("boxes", 10, base - 10, _INK, 12)
        total = f"{int(counts.sum())} in all, at most {int(counts.max(initial=0))}"
        self._write(total, _WIDTH - _RIGHT + 10, base - 10, _INK, 12)

    def _mark(self, x: int, top: int, bottom: int) -> None:
        """A switch: a black line with a head, edged in white so that it shows on any colour."""
        self._fill(x - 2, x + 2, top, bottom, _WHITE)
        self._fill(x - 1, x + 1, top, bottom, _INK)
        reach = min(6, self.row // 4 + 1)
        head = np.array([(x - reach, top), (x + reach, top), (x, top + reach + 1)], np.int32)
        cv2.fillPoly(self.image, [head], _INK, cv2.LINE_AA)

    def _x(self, frame: int) -> int:
        """Where frame `frame` ends."""
        return round(_LEFT + frame * self.scale)

    def _fill(self, left: int, right: int, top: int, bottom: int, colour: _Colour) -> None:
        self.image[top:bottom, left:right] = colour

    def _width(self, text: str, size: int) -> int:
        return cv2.getTextSize((0, 0), text, (0, 0), self.font, size, 400)[2]

    def _write(self, text: str, x: int, y: int, colour: _Colour, size: int, weight: int = 400) -> int:
        """Write on the baseline `y`; returns the width."""
        cv2.putText(self.image, text, (x, y), colour, self.font, size, weight)
        return self._width(text, size)


def _runs(frames: np.ndarray, covered_by: np.ndarray) -> Iterator[tuple[int, int, int]]:
    """First and last frame, and id, of every stretch of frames in which nothing changes."""
    if not len(frames):
        return
    breaks = np.flatnonzero((np.diff(frames) != 1) | (np.diff(covered_by) != 0)) + 1
    for part in np.split(np.arange(len(frames)), breaks):
        yield int(frames[part[0]]), int(frames[part[-1]]), int(covered_by[part[0]])


def _nice_step(length: int, most: int) -> int:
    """The smallest of 1, 2, 5, 10, 20, ... that divides `length` into at most `most` parts."""
    step = 1
    while length / step > most:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return step
