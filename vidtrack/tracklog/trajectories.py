"""A log seen object by object: where each one is over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vidtrack.core.boxes import interpolate_at
from vidtrack.core.types import ObjectState
from vidtrack.tracklog.track_log import TrackLog

_BRIDGED_SECONDS = 0.15  # between detections at the default rate; over longer stretches an object may do anything


@dataclass(frozen=True)
class Trajectory:
    """One object at K frame rows of its log, in order of time."""

    identity: int
    cls: int  # the class with the highest sum of scores
    rows: np.ndarray  # (K,) int64, rising
    boxes_xyxy: np.ndarray  # (K, 4) float64
    scores: np.ndarray  # (K,) float64
    states: np.ndarray  # (K,) int64 of ObjectState

    @property
    def detected(self) -> np.ndarray:
        """Which boxes (K,) bool are detections."""
        return self.states == ObjectState.DETECTED

    @property
    def first_row(self) -> int:
        """The frame row it starts at."""
        return int(self.rows[0])

    @property
    def last_row(self) -> int:
        """The frame row it ends at."""
        return int(self.rows[-1])


def trajectories_of(log: TrackLog) -> list[Trajectory]:
    """The objects of a log in order of id, as logged: a step of more than one row is a gap."""
    rows = log.frame_rows
    return [
        Trajectory(
            identity,
            int(np.bincount(log.classes[own], weights=log.scores[own]).argmax()),
            rows[own],
            log.boxes_xyxy[own].astype(np.float64),
            log.scores[own].astype(np.float64),
            log.states[own],
        )
        for identity, own in log.objects_by_track()
    ]


def continuous_trajectories(log: TrackLog) -> list[Trajectory]:
    """The objects of a log in order of id without gaps: boxes are interpolated in time and marked so.

    Nothing is interpolated across a cut: up to it the box before is held, from it on the box after. The score of an
    interpolated box is that of its weaker neighbour.
    """
    seconds, shots = log.frame_seconds, log.shots
    return [_continuous(own, seconds, shots) for own in trajectories_of(log)]


def bridged(path: Trajectory, seconds: np.ndarray) -> np.ndarray:
    """Which boxes (K,) bool, at `seconds` (K,), lie between two detections that overlap and follow each other shortly.

    The trajectory has no gaps.
    """
    between = np.zeros(len(seconds), bool)
    known = np.flatnonzero(path.detected)
    before, after = path.boxes_xyxy[known[:-1]], path.boxes_xyxy[known[1:]]
    overlap = (np.maximum(before[:, :2], after[:, :2]) < np.minimum(before[:, 2:], after[:, 2:])).all(axis=1)
    close = seconds[known[1:]] - seconds[known[:-1]] <= _BRIDGED_SECONDS + 1e-9
    for first, last in zip(known[:-1][overlap & close], known[1:][overlap & close], strict=True):
        between[first + 1 : last] = True
    return between


def _continuous(own: Trajectory, seconds: np.ndarray, shots: np.ndarray) -> Trajectory:
    rows = np.arange(own.first_row, own.last_row + 1)
    if len(rows) == len(own.rows):
        return own
    boxes = interpolate_at(seconds[rows], seconds[own.rows], own.boxes_xyxy)
    if shots[rows[0]] != shots[rows[-1]]:
        for shot in np.unique(shots[own.rows]):
            here, known = shots[rows] == shot, shots[own.rows] == shot
            boxes[here] = interpolate_at(seconds[rows[here]], seconds[own.rows[known]], own.boxes_xyxy[known])
    before, after = np.searchsorted(own.rows, rows, side="right") - 1, np.searchsorted(own.rows, rows)
    logged = np.isin(rows, own.rows)
    states = np.where(logged, own.states[before], int(ObjectState.INTERPOLATED))
    return replace(
        own, rows=rows, boxes_xyxy=boxes, scores=np.minimum(own.scores[before], own.scores[after]), states=states
    )


def with_trajectories(log: TrackLog, trajectories: Sequence[Trajectory]) -> TrackLog:
    """The frames of `log` with the objects of `trajectories` in place of its own."""
    lengths = [len(own.rows) for own in trajectories]

    def joined(name: str, width: tuple[int, ...] = ()) -> np.ndarray:
        parts = [getattr(own, name) for own in trajectories]
        return np.concatenate(parts) if parts else np.zeros((0, *width))

    ids = np.repeat(np.array([own.identity for own in trajectories], np.int64), lengths)
    rows = joined("rows").astype(np.int64)
    order = np.lexsort((ids, rows))
    return replace(
        log,
        offsets=np.searchsorted(rows[order], np.arange(len(log) + 1)),
        ids=ids[order],
        classes=np.repeat(np.array([own.cls for own in trajectories], np.int64), lengths)[order],
        scores=joined("scores")[order].astype(np.float32),
        boxes_xyxy=joined("boxes_xyxy", (4,))[order].astype(np.float32),
        states=joined("states")[order].astype(np.int64),
        summaries=[],
    )
