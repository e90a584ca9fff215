"""Where to look before hidden footage is passed on: frames in which a track is not certain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any

import numpy as np

from vidtrack.tracklog import TrackLog
from vidtrack.tracklog.trajectories import Trajectory, continuous_trajectories

_NEAR_CUT_SECONDS = 0.25
_WEAK_SCORE = 0.3  # where the log does not say
_NEAR_EDGE = 0.02  # of the picture's width and height


class Reason(StrEnum):
    """Why a track is not certain in some frames."""

    GAP = "not seen"  # between two sights
    WEAK = "low score"
    JUMP = "jumps"  # no two boxes of neighbouring logged frames overlap: too few frames, or two objects
    CUT = "near a cut"
    APPEARS = "appears inside the picture"  # was it there before?
    VANISHES = "vanishes inside the picture"


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

    Below `weak_score` a sight is weak; None is the score from which the run began tracks. A track that begins or ends
    away from the picture's edge, the clip's ends and every cut is named too: it may have been visible for longer.
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
    marks = {
        Reason.GAP: ~path.detected,
        Reason.WEAK: path.detected & (path.scores < weak_score),
        Reason.JUMP: _jumping(path) & ~near_cut,
        Reason.CUT: near_cut,
    }
    for reason, marked in marks.items():
        for first, last in _runs(marked):
            yield Doubt(path.identity, path.cls, reason, path.first_row + first, path.first_row + last)
    inside = _inside(path.boxes_xyxy, log.header.source.size)
    if path.first_row > 0 and inside[0] and not near_cut[0]:
        yield Doubt(path.identity, path.cls, Reason.APPEARS, path.first_row, path.first_row)
    if path.last_row < len(log) - 1 and inside[-1] and not near_cut[-1]:
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


def _inside(boxes_xyxy: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Which boxes (M,) keep away from the edge of the picture."""
    width, height = size
    left, top, right, bottom = boxes_xyxy.T
    edge_x, edge_y = _NEAR_EDGE * width, _NEAR_EDGE * height
    return (left > edge_x) & (top > edge_y) & (right < width - edge_x) & (bottom < height - edge_y)
