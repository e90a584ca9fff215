"""Frames to check before redacted footage is released: those in which a track is uncertain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any

import numpy as np

from vidtrack.tracklog import TrackLog
from vidtrack.tracklog.trajectories import Trajectory, bridged, continuous_trajectories

_NEAR_CUT_SECONDS = 0.25
_WEAK_SCORE = 0.3  # if the log does not say
_NEAR_EDGE = 0.02  # of the image's width and height
_SPEED_SECONDS = 0.4  # the speed at an end of a track is measured over this long
_EXIT_SECONDS = 0.5  # a track that leaves is out of the image within this time
_SLIVER = 0.25  # of an object's largest visible size: when no more is left, it has all but left


class Reason(StrEnum):
    """Why a track is not certain in some frames."""

    GAP = "not seen"  # between two sights
    WEAK = "low score"
    JUMP = "jumps"  # boxes of neighbouring logged frames do not overlap: too few frames, or two objects
    CUT = "near a cut"
    APPEARS = "appears inside the image"  # was it visible before?
    VANISHES = "vanishes inside the image"


@dataclass(frozen=True)
class Doubt:
    """A run of logged frames, `first_row` to `last_row`, in which a track is uncertain for one reason."""

    identity: int
    kind: int
    reason: Reason
    first_row: int
    last_row: int


def doubts_of(log: TrackLog, weak_score: float | None = None) -> list[Doubt]:
    """What is uncertain about the tracks of a log, in order of time.

    A detection below `weak_score` is weak; None is the run's threshold for new tracks. A track that starts or ends
    other than by moving through an edge of the image, at the clip's ends or at a cut may have been visible for longer.
    """
    if weak_score is None:
        logged = log.header.run.new_track_threshold
        weak_score = _WEAK_SCORE if logged is None else logged
    cuts = log.cut_pts * float(log.time_base)
    found = [doubt for path in continuous_trajectories(log) for doubt in _of_path(path, log, weak_score, cuts)]
    return sorted(found, key=lambda doubt: (doubt.first_row, doubt.identity))


def between(
    doubts: Sequence[Doubt], log: TrackLog, start_seconds: Fraction | None, end_seconds: Fraction | None
) -> list[Doubt]:
    """The parts of doubts at `start_seconds` <= time < `end_seconds`; None is open."""
    seconds = log.frame_seconds
    first = 0 if start_seconds is None else int(np.searchsorted(seconds, float(start_seconds)))
    last = len(log) - 1 if end_seconds is None else int(np.searchsorted(seconds, float(end_seconds))) - 1
    return [
        replace(doubt, first_row=max(doubt.first_row, first), last_row=min(doubt.last_row, last))
        for doubt in doubts
        if doubt.first_row <= last and doubt.last_row >= first
    ]


def frames_in_doubt(log: TrackLog, doubts: Sequence[Doubt]) -> int:
    """How many logged frames have any doubt."""
    marked = np.zeros(len(log), bool)
    for doubt in doubts:
        marked[doubt.first_row : doubt.last_row + 1] = True
    return int(marked.sum())


def doubt_record(doubt: Doubt, log: TrackLog) -> dict[str, Any]:
    """A doubt as plain values."""
    names = log.class_names
    return {
        "id": doubt.identity,
        "class": names[doubt.kind] if doubt.kind < len(names) else str(doubt.kind),
        "reason": str(doubt.reason),
        "first": _place(log, doubt.first_row),
        "last": _place(log, doubt.last_row),
        "frames": doubt.last_row - doubt.first_row + 1,
    }


def _place(log: TrackLog, row: int) -> dict[str, Any]:
    return {
        "i": int(log.frame_indices[row]),
        "pts": int(log.frame_pts[row]),
        "t": round(float(log.frame_seconds[row]), 6),
    }


def _of_path(path: Trajectory, log: TrackLog, weak_score: float, cuts: np.ndarray) -> Iterator[Doubt]:
    near_cut = _near(log.frame_seconds[path.rows], cuts)
    followed = path.detected | bridged(path, log.frame_seconds[path.rows])
    marks = {
        Reason.GAP: ~followed,
        Reason.WEAK: followed & (path.scores < weak_score),  # between detections it is that of the weaker one
        Reason.JUMP: _jumping(path) & ~near_cut,
        Reason.CUT: near_cut,
    }
    for reason, marked in marks.items():
        for first, last in _runs(marked):
            yield Doubt(path.identity, path.cls, reason, path.first_row + first, path.first_row + last)
    seconds, size = log.frame_seconds[path.rows], log.header.source.size
    if path.first_row > 0 and not near_cut[0] and not _leaves(path.boxes_xyxy[::-1], -seconds[::-1], size):
        yield Doubt(path.identity, path.cls, Reason.APPEARS, path.first_row, path.first_row)
    if path.last_row < len(log) - 1 and not near_cut[-1] and not _leaves(path.boxes_xyxy, seconds, size):
        yield Doubt(path.identity, path.cls, Reason.VANISHES, path.last_row, path.last_row)


def _runs(marked: np.ndarray) -> list[tuple[int, int]]:
    """First and last position of each stretch of True."""
    edges = np.flatnonzero(np.diff(np.pad(marked.astype(np.int8), 1)))
    return [(int(first), int(end) - 1) for first, end in edges.reshape(-1, 2)]


def _near(seconds: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    if not len(cuts):
        return np.zeros(len(seconds), bool)
    return np.abs(seconds[:, None] - cuts[None, :]).min(axis=1) <= _NEAR_CUT_SECONDS


def _jumping(path: Trajectory) -> np.ndarray:
    """Which frames (M,) are on either side of a step from one sight to the next that leaves the box behind."""
    before, after = path.boxes_xyxy[:-1], path.boxes_xyxy[1:]
    apart = (np.maximum(before[:, :2], after[:, :2]) >= np.minimum(before[:, 2:], after[:, 2:])).any(axis=1)
    apart &= path.detected[:-1] & path.detected[1:]
    return np.append(apart, False) | np.append(False, apart)


def _leaves(boxes_xyxy: np.ndarray, seconds: np.ndarray, size: Sequence[int]) -> bool:
    """Whether boxes (M, 4) at rising times (M,) end by moving out through an edge of the image.

    A box merely cut off by an edge has not left through it: the side that faces away from the edge must move towards
    it, fast enough to be out shortly, or with little of the object left to see.
    """
    recent = seconds >= seconds[-1] - _SPEED_SECONDS
    if recent.sum() < 2:
        return False
    speeds = np.polyfit(seconds[recent] - seconds[-1], boxes_xyxy[recent], 1)[0]  # (4,) pixels per second
    largest = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).max(axis=0)
    last = boxes_xyxy[-1]
    for axis in (0, 1):
        margin = _NEAR_EDGE * size[axis]
        for is_near, visible, speed in (
            (last[axis] <= margin, last[axis + 2], -speeds[axis + 2]),  # through the left or top edge
            (last[axis + 2] >= size[axis] - margin, size[axis] - last[axis], speeds[axis]),
        ):
            if is_near and speed > 0 and (visible <= speed * _EXIT_SECONDS or visible <= _SLIVER * largest[axis]):
                return True
    return False
