"""What every format is written from: the tracks of a log on an editing timeline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import ceil
from pathlib import PurePath

import numpy as np

from vidtrack.core.class_names import one_line
from vidtrack.core.types import AudioInfo, FileNumbering
from vidtrack.video.timecode import advanced, frame_number, is_drop_frame


class Anchor(StrEnum):
    """Which point of a box stands for the object in formats of points."""

    CENTER = "center"
    BOTTOM = "bottom"  # the middle of the lower edge
    TOP_LEFT = "top-left"


@dataclass(frozen=True)
class Track:
    """One object: K samples in order of time.

    `frames` rise and are consecutive while the object is there: a step of more than one is a gap. Samples that are not
    `logged` lie between two logged frames, as with a stride, and were interpolated.
    """

    id: int
    label: str  # one line
    frames: np.ndarray  # (K,) int64, frames of the timeline, from 0
    indices: np.ndarray  # (K,) int64, ordinals in the clip, decoded or as it is conformed
    shown: np.ndarray  # (K,) int64, decoded ordinals in the clip as it is
    boxes_xyxy: np.ndarray  # (K, 4) float64, pixels in display orientation
    scores: np.ndarray  # (K,) float64
    states: np.ndarray  # (K,) int64 of ObjectState
    logged: np.ndarray  # (K,) bool

    @property
    def name(self) -> str:
        """What it is called in other programs: `person 3`."""
        return f"{self.label} {self.id}"

    @property
    def sizes(self) -> np.ndarray:
        """(K, 2) width and height."""
        return self.boxes_xyxy[:, 2:] - self.boxes_xyxy[:, :2]

    def points(self, anchor: Anchor) -> np.ndarray:
        """(K, 2) pixels from the top left."""
        left, top, right, bottom = self.boxes_xyxy.T
        if anchor is Anchor.TOP_LEFT:
            return np.stack([left, top], 1)
        return np.stack([(left + right) / 2, bottom if anchor is Anchor.BOTTOM else (top + bottom) / 2], 1)

    def runs(self) -> Iterator[slice]:
        """The stretches of samples without a gap."""
        breaks = np.flatnonzero(np.diff(self.frames) != 1) + 1
        bounds = [0, *breaks.tolist(), len(self.frames)]
        return map(slice, bounds[:-1], bounds[1:])

    def switches(self) -> list[tuple[int, bool]]:
        """Frames from which the object is there (True) or away, from frame 0 on; each holds up to the next."""
        first = int(self.frames[0])
        keys = [(0, False)] if first > 0 else []
        for run in self.runs():
            keys += [(int(self.frames[run][0]), True), (int(self.frames[run][-1]) + 1, False)]
        return keys

    def linear_switches(self) -> list[tuple[int, bool]]:
        """The same for programs that interpolate: the old value once more on the last frame before each change."""
        keys: list[tuple[int, bool]] = []
        for frame, there in self.switches():
            if keys and keys[-1][0] < frame - 1:
                keys.append((frame - 1, keys[-1][1]))
            keys.append((frame, there))
        return keys


@dataclass(frozen=True)
class FrameClock:
    """Exact times of timeline frames: by `rate`, or if it is None by the logged times of decoded frames."""

    rate: Fraction | None
    time_base: Fraction
    indices: np.ndarray  # (F,) int64, decoded ordinals of the logged frames
    pts: np.ndarray  # (F,) int64

    def seconds(self, frame: int) -> Fraction:
        """Time at which a frame begins, since the start of the clip."""
        if self.rate is not None:
            return frame / self.rate
        row = int(np.searchsorted(self.indices, frame))
        if row < len(self.indices) and self.indices[row] == frame:
            return int(self.pts[row]) * self.time_base
        row = min(max(row, 1), len(self.indices) - 1)  # between two rows, or past the ends at the same pace
        if row == 0:
            return frame * self.time_base
        ticks = Fraction(int(self.pts[row] - self.pts[row - 1]), int(self.indices[row] - self.indices[row - 1]))
        return (int(self.pts[row]) + (frame - int(self.indices[row])) * ticks) * self.time_base


@dataclass(frozen=True)
class Numbering:
    """How frames are numbered: at a constant rate, from a timecode if there is one."""

    rate: Fraction
    timecode: str | None

    @property
    def start(self) -> int:
        """Frames from midnight to the first one, 0 without a timecode."""
        return (frame_number(self.timecode, self.rate) or 0) if self.timecode else 0

    @property
    def is_drop_frame(self) -> bool:
        """True if the timecode skips labels to keep up with the clock."""
        return self.timecode is not None and is_drop_frame(self.timecode, self.rate)


@dataclass(frozen=True)
class Scene:
    """A clip with its tracks: all that a format needs.

    Frames are numbered on the timeline from 0: at the constant `rate`, or decoded frames if it is None (variable).
    """

    path: str  # of the clip, as the log has it
    size: tuple[int, int]  # (width, height) in display orientation
    pixel_aspect: Fraction
    clock: FrameClock
    frame_count: int
    decoded_count: int  # frames of the clip as it is decoded, or as it is conformed
    timecode: str | None  # of frame 0, at the timeline's rate
    media: Numbering | None  # of the clip by itself, at its own rate; None if that varies
    audio: tuple[AudioInfo, ...]  # empty too if the log does not say
    class_names: tuple[str, ...]  # without those of unused numbers
    tracks: tuple[Track, ...]
    anchor: Anchor = Anchor.CENTER
    start_frame: int | None = None  # number of frame 0 in programs that let one choose; None: their custom
    clock_offset: Fraction = Fraction(0)  # seconds from the start of the container to frame 0
    files: FileNumbering | None = None  # of an image sequence, whose pattern `path` ends in

    @property
    def rate(self) -> Fraction | None:
        """Frames per second; None if the rate varies."""
        return self.clock.rate

    @property
    def constant_rate(self) -> Fraction:
        """The rate, for formats that are only written if there is one."""
        assert self.clock.rate is not None
        return self.clock.rate

    @property
    def name(self) -> str:
        """The clip's name without folders, number and extension, on one line."""
        path = PurePath(self.path.replace("\\", "/"))
        name = path.stem if self.files is None else self.files.pattern.partition("%")[0].rstrip("._- ")
        return one_line(name or path.parent.name)

    @property
    def first_file(self) -> str:
        """The path of the clip; of an image sequence, of its first image."""
        if self.files is None:
            return self.path
        return self.path.removesuffix(self.files.pattern) + self.files.pattern % self.files.first

    def container_seconds(self, frame: int) -> Fraction:
        """Time at which a frame begins for programs that count from the start of the container, never negative."""
        return max(Fraction(0), self.clock.seconds(frame) + self.clock_offset)

    @property
    def duration(self) -> Fraction:
        """Seconds from the first frame to the end of the last one."""
        return self.clock.seconds(self.frame_count)

    def numbered_from(self, custom: int) -> int:
        """The number of frame 0: the one chosen, or a program's custom."""
        return custom if self.start_frame is None else self.start_frame

    @property
    def numbering(self) -> Numbering:
        """How frames of the timeline are numbered."""
        return Numbering(self.constant_rate, self.timecode)

    @property
    def media_numbering(self) -> Numbering:
        """How frames of the clip by itself are numbered: as on the timeline if its rate varies."""
        return self.media or self.numbering

    @property
    def media_frame_count(self) -> int:
        """Frames of the clip by itself that the timeline takes, of the last one a part or all."""
        return ceil(self.duration * self.media_numbering.rate)

    def layers(self) -> list[int]:
        """For each track the lowest layer, from 0, on which it overlaps no other one in time."""
        ends: list[int] = []  # by layer, the frame after its last track so far
        chosen = {}
        for track in sorted(self.tracks, key=lambda track: int(track.frames[0])):
            start, end = int(track.frames[0]), int(track.frames[-1]) + 1
            layer = next((n for n, free in enumerate(ends) if free <= start), len(ends))
            ends[layer:] = [end, *ends[layer + 1 :]]
            chosen[track.id] = layer
        return [chosen[track.id] for track in self.tracks]

    def timecode_at(self, frame: int) -> str | None:
        """The timecode at a frame; None if the clip has none or no constant rate."""
        if self.timecode is None or self.rate is None:
            return None
        return advanced(self.timecode, frame, self.rate)
