"""A log with the tracks that an annotation tool made of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from vidtrack.core.boxes import has_extent, pairwise_iou
from vidtrack.core.class_names import plain_name
from vidtrack.core.errors import DataError
from vidtrack.core.types import ObjectState
from vidtrack.datasets.annotated_tracks import AnnotatedClip, AnnotatedTrack
from vidtrack.tracklog import TrackLog
from vidtrack.tracklog.counting import recounted
from vidtrack.tracklog.summary import summarise

_SAME_OBJECT_IOU = 0.5
_UNCHANGED = 0.06  # pixels: what the tools round


@dataclass(frozen=True)
class _Boxes:
    """N boxes in order of frame row, each of an annotated track; those of row f are `starts[f]` to `starts[f + 1]`."""

    rows: np.ndarray  # (N,) int64
    owners: np.ndarray  # (N,) int64
    xyxy: np.ndarray  # (N, 4) float32
    starts: np.ndarray  # (F + 1,) int64

    @classmethod
    def of(cls, tracks: Sequence[AnnotatedTrack], positions: np.ndarray, size: tuple[int, int]) -> _Boxes:
        """The boxes of tracks at the frames (F,) of a log, cut off at the edges of an image of `size`."""
        found = [track.at(positions) for track in tracks]
        rows = np.concatenate([np.zeros(0, np.int64), *(np.flatnonzero(there) for there, _ in found)])
        owners = np.repeat(np.arange(len(found)), [len(boxes) for _, boxes in found])
        boxes = np.clip(np.concatenate([np.zeros((0, 4)), *(boxes for _, boxes in found)]), 0, size * 2)
        seen = has_extent(boxes)
        rows, owners, boxes = rows[seen], owners[seen], boxes[seen].astype(np.float32)
        order = np.argsort(rows, kind="stable")
        starts = np.searchsorted(rows[order], np.arange(len(positions) + 1))
        return cls(rows[order], owners[order], boxes[order], starts)

    def in_rows(self) -> Iterator[tuple[int, slice]]:
        """The rows that have boxes, and where these are."""
        for row in np.unique(self.rows).tolist():
            yield row, slice(int(self.starts[row]), int(self.starts[row + 1]))


def with_annotations(log: TrackLog, annotated: AnnotatedClip, source: str) -> TrackLog:
    """The frames of `log` with the annotated tracks in place of its own; `source` names the file in the edit.

    A track that covers one of the log's keeps its ID, others get new ones. A box that was not changed keeps score and
    state; others are detections of score 1. Events of tracks that are gone are removed.

    Raises DataError for annotations without a box in a frame of the log, and if a timeline has no constant rate.
    """
    boxes = _Boxes.of(annotated.tracks, _positions(log, annotated.on_timeline), log.header.source.size)
    if annotated.tracks and not len(boxes.rows):
        raise DataError(f"{source} has no box in a frame of the log", "is it of another clip?")
    ids = _identities(log, boxes, len(annotated.tracks))[boxes.owners]
    log, classes = _with_classes(log, [track.label for track in annotated.tracks])
    scores, states, exact = _unchanged(log, boxes)
    order = np.lexsort((ids, boxes.rows))
    changed = replace(
        log,
        offsets=boxes.starts,
        ids=ids[order],
        classes=classes[boxes.owners][order],
        scores=scores[order],
        boxes_xyxy=exact[order],
        states=states[order],
        events=[event for event in log.events if event.identity is None or event.identity in set(ids.tolist())],
    )
    changed = recounted(replace(changed, summaries=summarise(changed)))
    return changed.edited("import", source=source, tracks=sorted(set(ids.tolist())))


def _positions(log: TrackLog, on_timeline: bool) -> np.ndarray:
    """The annotated frame number (F,) of each frame of the log."""
    if not on_timeline:
        return log.frame_indices
    rate = log.header.source.average_rate
    if rate is None:
        raise DataError("the log does not know the clip's frame rate", "use CVAT, which counts decoded frames")
    return np.rint(log.frame_seconds * float(rate)).astype(np.int64)


def _identities(log: TrackLog, boxes: _Boxes, count: int) -> np.ndarray:
    """The ID (T,) of each annotated track: that of the log's track which it overlaps in most frames, else a new one."""
    known, of_object = np.unique(log.ids, return_inverse=True)
    shared = np.zeros((count, len(known)))
    for row, mine in boxes.in_rows():
        its = slice(int(log.offsets[row]), int(log.offsets[row + 1]))
        a, b = np.nonzero(pairwise_iou(boxes.xyxy[mine], log.boxes_xyxy[its]) >= _SAME_OBJECT_IOU)
        np.add.at(shared, (boxes.owners[mine][a], of_object[its][b]), 1)
    identities = np.zeros(count, np.int64)
    for track, place in zip(*linear_sum_assignment(-shared), strict=True):
        identities[track] = known[place] if shared[track, place] else 0
    new = np.flatnonzero(identities == 0)
    identities[new] = int(known.max(initial=0)) + 1 + np.arange(len(new))
    return identities


def _with_classes(log: TrackLog, labels: list[str]) -> tuple[TrackLog, np.ndarray]:
    """The log with the classes that it lacks, and the class number (T,) of each label."""
    names = log.class_names
    numbers = {plain_name(log.label_of(number)): number for number in reversed(range(len(names)))}
    for label in labels:
        if plain_name(label) not in numbers:
            numbers[plain_name(label)] = len(names)
            names.append(label)
    header = replace(log.header, model=replace(log.header.model, classes=tuple(names)))
    return replace(log, header=header), np.array([numbers[plain_name(label)] for label in labels], np.int64)


def _unchanged(log: TrackLog, boxes: _Boxes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores (N,), states (N,) and boxes (N, 4), taken from `log` where a box is the same but for rounding."""
    scores, states = np.ones(len(boxes.rows), np.float32), np.full(len(boxes.rows), int(ObjectState.DETECTED), np.int64)
    exact = boxes.xyxy.copy()
    for row, mine in boxes.in_rows():
        frame = log[row]
        a, b = np.nonzero((np.abs(boxes.xyxy[mine][:, None] - frame.boxes_xyxy) <= _UNCHANGED).all(axis=2))
        at = mine.start + a
        scores[at], states[at], exact[at] = frame.scores[b], frame.states[b], frame.boxes_xyxy[b]
    return scores, states, exact
