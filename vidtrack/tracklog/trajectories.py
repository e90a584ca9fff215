"""A log seen track by track: where each one is, from its first sight to its last, without holes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vidtrack.core.types import ObjectState
from vidtrack.tracklog import TrackLog, shots_of


@dataclass(frozen=True)
class TrackPath:
    """One track at M logged frames in a row, the first of them frame row `first_row` of the log."""

    identity: int
    kind: int  # class number
    first_row: int
    boxes_xyxy: np.ndarray  # (M, 4) float64
    scores: np.ndarray  # (M,) float64; of the weaker neighbour where not seen
    seen: np.ndarray  # (M,) bool, False where the box is not a detection

    @property
    def rows(self) -> np.ndarray:
        """Frame rows (M,) of the log."""
        return self.first_row + np.arange(len(self.seen))

    @property
    def last_row(self) -> int:
        """The frame row it ends with."""
        return self.first_row + len(self.seen) - 1


def paths_of(log: TrackLog) -> list[TrackPath]:
    """The tracks of a log in order of id; where one was missed between two sights, its box is interpolated in time.

    Over a cut nothing is interpolated: up to it the box before stays, from it on the box after is there.
    """
    rows, seconds, shots = log.frame_rows, log.frame_seconds, shots_of(log)
    paths = []
    order = np.argsort(log.ids, kind="stable")
    identities, starts = np.unique(log.ids[order], return_index=True)
    for identity, own in zip(identities.tolist(), np.split(order, starts[1:]), strict=False):
        first, last = int(rows[own[0]]), int(rows[own[-1]])
        at, known = seconds[first : last + 1], seconds[rows[own]]
        listed = np.zeros(last - first + 1, bool)
        listed[rows[own] - first] = log.states[own] == ObjectState.DETECTED
        boxes = _between(at, known, log.boxes_xyxy[own].astype(np.float64))
        for shot in np.unique(shots[rows[own]])[: 0 if shots[first] == shots[last] else None]:
            here, sights = shots[first : last + 1] == shot, shots[rows[own]] == shot
            boxes[here] = _between(at[here], known[sights], log.boxes_xyxy[own[sights]].astype(np.float64))
        before = np.searchsorted(known, at, side="right") - 1
        after = np.searchsorted(known, at)
        scores = np.minimum(log.scores[own][before], log.scores[own][after]).astype(np.float64)
        votes = np.bincount(log.classes[own], weights=log.scores[own])
        paths.append(TrackPath(identity, int(votes.argmax()), first, boxes, scores, listed))
    return paths


def _between(at: np.ndarray, known: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Boxes (M, 4) at times `at` (M,) of those at times `known`; beyond them the first and the last stay."""
    return np.stack([np.interp(at, known, boxes[:, edge]) for edge in range(4)], axis=1)


def log_of(log: TrackLog, paths: Sequence[TrackPath]) -> TrackLog:
    """The frames of `log` with the objects of `paths` in place of its own."""
    if not paths:
        empty = np.zeros(0, np.int64)
        return replace(
            log, offsets=np.zeros(len(log) + 1, np.int64), ids=empty, classes=empty, states=empty, tracks=[],
            scores=np.zeros(0, np.float32), boxes_xyxy=np.zeros((0, 4), np.float32),
        )  # fmt: skip
    lengths = [len(path.seen) for path in paths]
    ids = np.repeat([path.identity for path in paths], lengths)
    rows = np.concatenate([path.rows for path in paths])
    order = np.lexsort((ids, rows))
    states = np.where(
        np.concatenate([path.seen for path in paths]), int(ObjectState.DETECTED), int(ObjectState.INTERPOLATED)
    )
    return replace(
        log,
        offsets=np.searchsorted(rows[order], np.arange(len(log) + 1)),
        ids=ids[order],
        classes=np.repeat([path.kind for path in paths], lengths)[order],
        scores=np.concatenate([path.scores for path in paths])[order].astype(np.float32),
        boxes_xyxy=np.concatenate([path.boxes_xyxy for path in paths])[order].astype(np.float32),
        states=states[order],
        tracks=[],
    )
