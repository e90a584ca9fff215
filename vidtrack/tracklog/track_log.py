"""A track log in memory, as numpy arrays."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from vidtrack.core.errors import LogError
from vidtrack.core.metadata import utc_now, version_of
from vidtrack.core.status import Status
from vidtrack.core.types import FrameTracks
from vidtrack.tracklog.header import LARGEST, Edit, Header
from vidtrack.tracklog.lines import read_values
from vidtrack.tracklog.records import Event, Footer, TrackSummary
from vidtrack.tracklog.schema import HINT, STATE_NAMES, faults_of, parse_header
from vidtrack.tracklog.writer import LogWriter

MOST_RECORDS = 500_000  # events, and tracks, that a log may hold
_CUT = "cut"  # kind of the events at the first frame of a new shot
_FARTHEST = 1e6  # pixels from the image's corner, beyond any image
_STATE_CODES = {name: code for code, name in enumerate(STATE_NAMES)}


@dataclass(frozen=True)
class TrackLog:
    """A track log in memory: F frames, N objects.

    Objects are stored flat, in order of frame and id; those of frame row f are `offsets[f]` to `offsets[f + 1]`.
    `problem` says where a log without a footer ends.
    """

    header: Header
    frame_indices: np.ndarray  # (F,) int64, decoded ordinals
    frame_pts: np.ndarray  # (F,) int64
    offsets: np.ndarray  # (F + 1,) int64
    ids: np.ndarray  # (N,) int64
    classes: np.ndarray  # (N,) int64
    scores: np.ndarray  # (N,) float32
    boxes_xyxy: np.ndarray  # (N, 4) float32, pixels in display orientation
    states: np.ndarray  # (N,) int64 of ObjectState
    events: list[Event]
    tracks: list[TrackSummary]
    footer: Footer | None
    problem: str = ""

    @classmethod
    def load(cls, path: str | Path) -> TrackLog:
        """Read a log with any of the extensions; a log that was cut off is read up to its end.

        Raises LogError if the file is missing, is not a track log, is damaged before its end or is of a newer version,
        and if its header or objects break the schema.
        """
        return _Loader(Path(path)).load()

    def save(self, path: Path) -> None:
        """Write the log under a name that appears when the file is complete; track summaries are computed again.

        A log that was cut off is written as that of an interrupted run. Raises UsageError for an unknown extension and
        OutputError if the file cannot be written.
        """
        status = Status.INTERRUPTED if self.footer is None else self.footer.status
        with LogWriter(path, self.header) as writer:
            try:
                for line in self._lines():
                    writer.event(line) if isinstance(line, Event) else writer.frame(line)
                if self.footer is None:
                    writer.close(status)
                else:
                    writer.close(status, self.footer.figures, self.footer.extra)
            except BaseException:
                writer.discard()  # a part of a log that exists elsewhere is worth nothing
                raise

    @property
    def status(self) -> Status:
        """How the run ended."""
        return Status.INCOMPLETE if self.footer is None else self.footer.status

    @property
    def class_names(self) -> list[str]:
        """Names by class number."""
        return list(self.header.model.classes)

    @property
    def time_base(self) -> Fraction:
        """Seconds per tick of pts."""
        return self.header.source.time_base

    @property
    def frame_seconds(self) -> np.ndarray:
        """Time of each frame (F,) float64 since the start of the stream."""
        return self.frame_pts.astype(np.float64) * self.time_base.numerator / self.time_base.denominator

    @property
    def frame_rows(self) -> np.ndarray:
        """Frame row (N,) int64 of each object."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    @property
    def cut_pts(self) -> np.ndarray:
        """The pts (C,) int64 at which new shots begin, in order."""
        return np.array(sorted(e.pts for e in self.events if e.kind == _CUT and e.pts is not None), np.int64)

    @property
    def shots(self) -> np.ndarray:
        """The ordinal (F,) of the shot that each frame belongs to."""
        return np.searchsorted(self.cut_pts, self.frame_pts, side="right")

    def __len__(self) -> int:
        return len(self.frame_indices)

    def __getitem__(self, row: int) -> FrameTracks:
        """The objects of frame row `row` (negative counts from the end)."""
        row = range(len(self))[row]
        part = slice(int(self.offsets[row]), int(self.offsets[row + 1]))
        columns = {name: getattr(self, name)[part] for name in FrameTracks.COLUMNS}
        return FrameTracks(int(self.frame_indices[row]), int(self.frame_pts[row]), self.time_base, **columns)

    def __iter__(self) -> Iterator[FrameTracks]:
        return (self[row] for row in range(len(self)))

    def with_objects(self, chosen: np.ndarray, **columns: np.ndarray) -> TrackLog:
        """The log with some of its objects, or in another order within their frames; all frames stay.

        `chosen` is a mask (N,) bool or an order (M,) of object rows; `columns` replace whole columns (N,) first.
        """
        rows = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        kept = {name: columns.get(name, getattr(self, name))[rows] for name in FrameTracks.COLUMNS}
        offsets = np.searchsorted(self.frame_rows[rows], np.arange(len(self) + 1))
        return replace(self, offsets=offsets, **kept)

    def with_frames(self, frames: Sequence[FrameTracks]) -> TrackLog:
        """The log with other objects in its frames, one entry of `frames` per frame row."""
        if not frames:
            return self
        joined = FrameTracks.concat(frames)
        columns: dict[str, Any] = {name: getattr(joined, name) for name in FrameTracks.COLUMNS}
        return replace(self, offsets=np.cumsum([0, *map(len, frames)]), **columns)

    def edited(self, operation: str, **details: Any) -> TrackLog:
        """The log with a correction noted in its header."""
        edit = Edit(operation, details, utc_now(), version_of("vidtrack"))
        return replace(self, header=replace(self.header, edits=(*self.header.edits, edit)))

    def _lines(self) -> Iterator[FrameTracks | Event]:
        """Frames, and each event before the first frame that does not precede it."""
        at = 0
        for frame in self:
            while at < len(self.events) and _is_due(self.events[at], frame.index):
                yield self.events[at]
                at += 1
            yield frame
        yield from self.events[at:]


def _is_due(event: Event, index: int) -> bool:
    return event.index is not None and event.index <= index


class _Loader:
    """Collects the lines of one file into columns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header: Header | None = None
        self.events: list[Event] = []
        self.tracks: list[TrackSummary] = []
        self.footer: Footer | None = None
        self.indices, self.pts, self.offsets = array("q"), array("q"), array("q", [0])
        self.ids, self.classes, self.states = array("q"), array("q"), array("q")
        self.scores, self.boxes = array("f"), array("f")

    def load(self) -> TrackLog:
        problem = ""
        for number, value in read_values(self.path):
            if value is None:
                problem = f"{self.path} ends in the middle of line {number}"
                break
            try:
                self._take(value)
            except (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError) as error:
                fault = str(error) if isinstance(error, ValueError) else f"{type(error).__name__} {error}"
                raise LogError(f"line {number} of {self.path} is not a valid track log line: {fault}", HINT) from None
        assert self.header is not None  # read_values raises for a file without a value
        if self.footer is None and not problem:
            problem = f"{self.path} has no footer: the run that wrote it did not end"
        log = TrackLog(
            self.header,
            np.array(self.indices, np.int64),
            np.array(self.pts, np.int64),
            np.array(self.offsets, np.int64),
            np.array(self.ids, np.int64),
            np.array(self.classes, np.int64),
            np.array(self.scores, np.float32),
            np.array(self.boxes, np.float32).reshape(-1, 4),
            np.array(self.states, np.int64),
            self.events,
            self.tracks,
            self.footer,
            problem,
        )
        _refuse_impossible(log, self.path)
        return log

    def _take(self, value: Any) -> None:
        if self.header is None:
            self.header = parse_header(value, self.path)
            return
        kind = value["type"]
        if kind == "frame":
            self._take_frame(value["i"], value["pts"], value["objs"])
        elif kind in ("event", "track", "footer"):
            for fault in faults_of(kind, value):
                raise ValueError(fault)
            if kind == "footer":
                self.footer = Footer.from_dict(value)
            elif kind == "event":
                self.events.append(Event.from_dict(value))
            else:
                self.tracks.append(TrackSummary.from_dict(value))
            if max(len(self.events), len(self.tracks)) > MOST_RECORDS:
                raise LogError(f"{self.path} holds more than {MOST_RECORDS} {kind} lines", "is it a track log?")

    def _take_frame(self, index: int, pts: int, entries: Sequence[Mapping[str, Any]]) -> None:
        self.indices.append(index)
        self.pts.append(pts)
        for entry in entries:
            left, top, right, bottom = entry["box"]
            self.ids.append(entry["id"])
            self.classes.append(entry["cls"])
            self.scores.append(entry["score"])
            self.states.append(_STATE_CODES[entry["state"]])
            self.boxes.extend((left, top, right, bottom))
        self.offsets.append(len(self.ids))


def _refuse_impossible(log: TrackLog, path: Path) -> None:
    """Raise LogError for frames out of order, a track twice in a frame, and values that no object can have."""
    for values, name in ((log.frame_indices, "number"), (log.frame_pts, "pts")):
        back = np.flatnonzero(np.diff(values) <= 0)
        if len(back):
            raise LogError(f"{path}: the {name} of frame {log.frame_indices[back[0] + 1]} does not rise", HINT)
        if len(values) and max(-int(values[0]), int(values[-1])) > LARGEST:
            raise LogError(f"{path}: the {name} of a frame exceeds {LARGEST}", HINT)
    if len(log) and log.frame_indices[0] < 0:
        raise LogError(f"{path}: frames count from 0, not from {log.frame_indices[0]}", HINT)
    rows = log.frame_rows
    left, top, right, bottom = log.boxes_xyxy.T
    disordered = np.append(False, (np.diff(log.ids) <= 0) & (np.diff(rows) == 0))[: len(rows)]
    for wrong, said in (
        (disordered, "is listed twice, or not in order of id"),
        ((log.ids < 1) | (log.ids > LARGEST), f"has an id outside 1 to {LARGEST}"),
        ((log.classes < 0) | (log.classes >= len(log.class_names)), "has a class that the log does not name"),
        (~((log.scores >= 0) & (log.scores <= 1)), "has a score outside 0 to 1"),
        (~((np.abs(log.boxes_xyxy) <= _FARTHEST).all(1) & (left <= right) & (top <= bottom)), "has an impossible box"),
    ):
        if wrong.any():
            at = int(wrong.argmax())
            raise LogError(f"{path}: track {log.ids[at]} in frame {log.frame_indices[rows[at]]} {said}", HINT)
    if len(log.ids) > MOST_RECORDS and len(np.unique(log.ids)) > MOST_RECORDS:
        raise LogError(f"{path} holds more than {MOST_RECORDS} tracks", "is it a track log?")
