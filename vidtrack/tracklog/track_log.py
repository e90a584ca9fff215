"""A track log in memory, as numpy arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vidtrack.core.class_names import label_of, one_line
from vidtrack.core.errors import LogError
from vidtrack.core.metadata import utc_now, version_of
from vidtrack.core.status import Status
from vidtrack.core.tables import STATE_NAMES, pandas_frame, polars_frame, supervision_detections
from vidtrack.core.types import FrameTracks
from vidtrack.core.wording import plural
from vidtrack.tracklog.clip_images import ClipImages
from vidtrack.tracklog.header import LARGEST, Edit, Header
from vidtrack.tracklog.loading import MOST_RECORDS, Loader
from vidtrack.tracklog.notebook import log_html
from vidtrack.tracklog.records import Event, Footer, TrackSummary
from vidtrack.tracklog.schema import HINT
from vidtrack.tracklog.tracks import Track, Tracks
from vidtrack.tracklog.writer import LogWriter

if TYPE_CHECKING:
    import pandas
    import polars
    import supervision

_CUT = "cut"  # kind of the events at the first frame of a new shot
_FARTHEST = 1e6  # pixels from the image's corner, beyond any image
_STRIP_FRAMES = 6  # shown in a notebook


@dataclass(frozen=True, repr=False)
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
    summaries: list[TrackSummary]
    footer: Footer | None
    problem: str = ""
    path: Path | None = None  # where it was read from

    @classmethod
    def load(cls, path: str | Path) -> TrackLog:
        """Read a log with any of the extensions; a log that was cut off is read up to its end.

        Raises LogError if the file is missing, is not a track log, is damaged before its end or is of a newer version,
        and if its header or objects break the schema.
        """
        log = cls(**Loader(Path(path)).load())
        _refuse_impossible(log, Path(path))
        return log

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

    def label_of(self, number: int) -> str:
        """The name of a class on one line, or its number if it has no name."""
        return label_of(self.header.model.classes, number)

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

    @cached_property
    def tracks(self) -> Tracks:
        """The tracks one by one, by ID, with crops of the clip."""
        rows, images = self.frame_rows, ClipImages(self.header.source, self.path)
        return Tracks(
            {identity: self._track(identity, own, rows[own], images) for identity, own in self.objects_by_track()}
        )

    def objects_by_track(self) -> list[tuple[int, np.ndarray]]:
        """Each identity, in order, with its objects (K,) int64 in order of time."""
        order = np.argsort(self.ids, kind="stable")
        identities, starts = np.unique(self.ids[order], return_index=True)
        return list(zip(identities.tolist(), np.split(order, starts[1:]), strict=False))

    def to_pandas(self) -> pandas.DataFrame:
        """A row per object and frame.

        Columns: index (decoded frame), seconds, id, class (of the track), score, left, top, right, bottom (pixels) and
        state: those of the CSV and Parquet exports that do not depend on a timeline. Raises MissingPackageError.
        """
        return pandas_frame(*self._table())

    def to_polars(self) -> polars.DataFrame:
        """The same table as a polars DataFrame; raises MissingPackageError."""
        return polars_frame(*self._table())

    def to_supervision(self) -> dict[int, supervision.Detections]:
        """supervision's Detections by decoded frame index, with tracker IDs; raises MissingPackageError.

        A frame without objects has empty Detections; frames that a stride left out are missing.
        """
        names = [self.label_of(number) for number in range(len(self.class_names))]
        return {
            f.index: supervision_detections(f.boxes_xyxy, f.scores, f.classes, f.ids, names, f.states) for f in self
        }

    def __repr__(self) -> str:
        source, seconds = self.header.source, self.frame_seconds
        counts = Counter(track.label for track in self.tracks).most_common()
        named = f": {', '.join(f'{count} {label}' for label, count in counts)}" if counts else ""
        name = one_line(Path(source.path.replace("\\", "/")).name)
        length = f"{seconds[-1] - seconds[0]:.2f} s" if len(self) else "0 s"
        tracks = plural(len(self.tracks), "track")
        ended = "" if self.status is Status.COMPLETE else f", {self.status}"
        return f"TrackLog({name!r}, {plural(len(self), 'frame')}, {length}, {tracks}{named}{ended})"

    def _repr_html_(self) -> str:
        rows = [
            (
                str(t.id),
                t.label,
                f"{t.seconds[0]:.2f} s",
                f"{t.seconds[-1]:.2f} s",
                str(len(t)),
                f"{t.scores.mean():.2f}",
            )
            for t in self.tracks
        ]
        head = ("id", "class", "from", "to", "frames", "score")
        return log_html(repr(self), self._filmstrip, self.header.source.size, [head, *rows])

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

    def _track(self, identity: int, own: np.ndarray, rows: np.ndarray, images: ClipImages) -> Track:
        cls = int(np.bincount(self.classes[own], weights=self.scores[own]).argmax())
        return Track(
            identity,
            self.label_of(cls),
            self.frame_indices[rows],
            self.frame_pts[rows],
            self.time_base,
            self.boxes_xyxy[own],
            self.scores[own],
            self.states[own],
            images,
        )

    def _table(self) -> tuple[dict[str, np.ndarray], dict[str, list[str]]]:
        """Columns (N,), and for those that hold numbers of names, the names."""
        labels = sorted({track.label for track in self.tracks})
        kinds = {track.id: labels.index(track.label) for track in self.tracks}
        identities, places = np.unique(self.ids, return_inverse=True)
        rows, box = self.frame_rows, self.boxes_xyxy.T
        columns = {
            "index": self.frame_indices[rows],
            "seconds": self.frame_seconds[rows],
            "id": self.ids,
            "class": np.array([kinds[identity] for identity in identities.tolist()], np.int64)[places],
            "score": self.scores,
            **dict(zip(("left", "top", "right", "bottom"), box, strict=True)),
            "state": self.states,
        }
        return columns, {"class": labels, "state": list(STATE_NAMES)}

    def _filmstrip(self) -> Iterator[tuple[np.ndarray, str, list[tuple[int, list[float]]]]]:
        """Frames spread over the log, if possible with objects: image, caption, identities and boxes."""
        shown = np.flatnonzero(np.diff(self.offsets))
        shown = shown if len(shown) >= _STRIP_FRAMES else np.arange(len(self))
        parts = [part for part in np.array_split(shown, _STRIP_FRAMES) if len(part)]
        frames = [self[int(part[len(part) // 2])] for part in parts]
        images = ClipImages(self.header.source, self.path).at(frame.seconds for frame in frames)
        for frame, image in zip(frames, images, strict=True):
            caption = f"{float(frame.seconds):.2f} s, frame {frame.index}"
            yield image, caption, list(zip(frame.ids.tolist(), frame.boxes_xyxy.tolist(), strict=True))

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
