"""Which parts of which frames must be hidden so that no tracked object shows, not in one frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d

from vidtrack.effects.paths import TrackPath, log_of, paths_of
from vidtrack.errors import UsageError
from vidtrack.tracklog import TrackLog, shots_of

_STEADY_SECONDS = 0.12  # boxes reach around all there were so far before and after, which evens out their jitter
_SPEED_SECONDS = 0.4  # speed is measured over this long a piece of track, or this many boxes where they are few
_SPEED_BOXES = 3
_HASTE = 2.0  # times the speed it was seen to have may an unseen object move at
_GROWTH = 0.5  # of its size a second, for a box without a sight
_GROWTH_MOST = 0.5


@dataclass(frozen=True)
class CoverConfig:
    """How far what is hidden reaches beyond the logged boxes: in space, in shares of a box, and in time."""

    margin: float = 0.1
    hold_before_seconds: float = 0.5
    hold_after_seconds: float = 0.5

    def __post_init__(self) -> None:
        for name in ("margin", "hold_before_seconds", "hold_after_seconds"):
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise UsageError(f"{name.replace('_', ' ')} is {value:g}", "give zero or more")


def cover(log: TrackLog, config: CoverConfig = CoverConfig()) -> TrackLog:
    """The log of what to hide: every track without holes, held at both ends, boxes grown.

    Between two sights a box holds both of them, and reaches wherever the object may have got to at twice the speed it
    had before, after or on the way. Beyond the ends, but not over a cut, it reaches from where the object was to where
    its speed would have taken it. Away from a sight it grows with the time. No box is smaller than the logged one.
    """
    shots = shots_of(log)
    return log_of(log, [_covering(path, log, shots, config) for path in paths_of(log)])


def _covering(path: TrackPath, log: TrackLog, shots: np.ndarray, config: CoverConfig) -> TrackPath:
    rows = _held_rows(path, log.frame_seconds, shots, config)
    ahead, behind = path.first_row - int(rows[0]), int(rows[-1]) - path.last_row
    seen = np.pad(path.seen, (ahead, behind))
    sights = np.flatnonzero(seen)
    if not len(sights):  # supposed from end to end
        sights = np.array([ahead, ahead + len(path.seen) - 1])
    own, shot = log.frame_seconds[rows], shots[rows]
    boxes = np.pad(path.boxes_xyxy, ((ahead, behind), (0, 0)), mode="edge")
    boxes = _reaching(boxes, sights, own, shot)
    away = _away(sights, own, shot) + _unwatched(log.frame_seconds, log.frame_indices)[rows]
    boxes = _grown(boxes, config.margin + np.minimum(away * _GROWTH, _GROWTH_MOST))
    for number in np.unique(shot):
        boxes[shot == number] = _steadied(boxes[shot == number], own[shot == number])
    scores = np.pad(path.scores, (ahead, behind), mode="edge")
    return replace(path, first_row=int(rows[0]), boxes_xyxy=boxes, scores=scores, seen=seen)


def _held_rows(path: TrackPath, seconds: np.ndarray, shots: np.ndarray, config: CoverConfig) -> np.ndarray:
    """Frame rows from the track's hold before to its hold after, neither over a cut."""
    first, last = path.first_row, path.last_row
    start = int(np.searchsorted(seconds, seconds[first] - config.hold_before_seconds - 1e-9))
    start = max(start, int(np.searchsorted(shots, shots[first])))
    end = int(np.searchsorted(seconds, seconds[last] + config.hold_after_seconds + 1e-9))  # exclusive
    return np.arange(start, min(end, int(np.searchsorted(shots, shots[last], side="right"))))


def _reaching(boxes_xyxy: np.ndarray, sights: np.ndarray, seconds: np.ndarray, shots: np.ndarray) -> np.ndarray:
    """Boxes (M, 4), those between and beyond `sights` around wherever the object may be."""
    reaching = boxes_xyxy.copy()
    ends = np.concatenate([[-1], sights, [len(boxes_xyxy)]])
    for n in np.flatnonzero(np.diff(ends) > 1).tolist():
        last, following = int(ends[n]), int(ends[n + 1])
        between = np.arange(last + 1, following)
        after_last = between[shots[between] == shots[last]] if last >= 0 else between[:0]
        before_next = between[shots[between] == shots[following]] if following < len(shots) else between[:0]
        if len(after_last) and len(after_last) == len(before_next):
            known = np.array([last, following])
            speeds = [_speed(boxes_xyxy, seconds, shots, last, -1), _speed(boxes_xyxy, seconds, shots, following, 1)]
            found = _between(boxes_xyxy[known], seconds[known], np.array(speeds), seconds[between])
            reaching[between] = _hull(_hull(*boxes_xyxy[known]), found)
            continue
        for start, rows, step in ((last, after_last, -1), (following, before_next, 1)):
            if len(rows):
                speed = _speed(boxes_xyxy, seconds, shots, start, step)
                moved = boxes_xyxy[start] + (seconds[rows] - seconds[start])[:, None] * speed
                reaching[rows] = _hull(reaching[rows], _hull(boxes_xyxy[start], moved))
    return reaching


def _between(boxes_xyxy: np.ndarray, sighted: np.ndarray, speeds: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Boxes (K, 4) around all places that can be reached from both of two boxes, seen at times `sighted`.

    `speeds` (2, 4) are those of their edges, in pixels a second.
    """
    mean = (boxes_xyxy[1] - boxes_xyxy[0]) / (sighted[1] - sighted[0])
    edges = np.abs([*speeds, mean]).max(axis=0)
    reach = _HASTE * np.tile(np.maximum(edges[:2], edges[2:]), 2) * np.array([-1, -1, 1, 1])
    first, second = (box + np.abs(seconds - at)[:, None] * reach for box, at in zip(boxes_xyxy, sighted, strict=True))
    return np.hstack([np.maximum(first[:, :2], second[:, :2]), np.minimum(first[:, 2:], second[:, 2:])])


def _speed(boxes_xyxy: np.ndarray, seconds: np.ndarray, shots: np.ndarray, start: int, step: int) -> np.ndarray:
    """Pixels a second (4,) of the edges of the boxes from `start` on, backwards where `step` is -1."""
    near = np.flatnonzero((shots == shots[start]) & (np.abs(seconds - seconds[start]) <= _SPEED_SECONDS))
    near = near[(near - start) * step >= 0]
    if len(near) < _SPEED_BOXES:
        near = start + step * np.arange(_SPEED_BOXES)
        if near.min() < 0 or near.max() >= len(shots) or (shots[near] != shots[start]).any():
            return np.zeros(4)
    return np.polyfit(seconds[near] - seconds[start], boxes_xyxy[near], 1)[0]


def _hull(boxes_xyxy: np.ndarray, others_xyxy: np.ndarray) -> np.ndarray:
    """The smallest boxes around both."""
    low = np.minimum(boxes_xyxy[..., :2], others_xyxy[..., :2])
    return np.concatenate([low, np.maximum(boxes_xyxy[..., 2:], others_xyxy[..., 2:])], axis=-1)


def _away(sights: np.ndarray, seconds: np.ndarray, shots: np.ndarray) -> np.ndarray:
    """Seconds (M,) to the nearest sight in the same shot; infinite where there is none."""
    away = np.full(len(seconds), np.inf)
    for shot in np.unique(shots[sights]):
        here, known = shots == shot, seconds[sights[shots[sights] == shot]]
        after = np.searchsorted(known, seconds[here]).clip(0, len(known) - 1)
        away[here] = np.minimum(
            np.abs(known[after] - seconds[here]), np.abs(seconds[here] - known[(after - 1).clip(0)])
        )
    return away


def _unwatched(seconds: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Half the seconds (F,) to the farther neighbour among the logged frames, where others lie between."""
    half = np.where(np.diff(indices) > 1, np.diff(seconds) / 2, 0)
    return np.maximum(np.append(half, 0), np.append(0, half))


def _grown(boxes_xyxy: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Boxes (M, 4) with `shares` (M,) of their size added at each side."""
    reach = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]) * shares[:, None]
    return np.concatenate([boxes_xyxy[:, :2] - reach, boxes_xyxy[:, 2:] + reach], axis=1)


def _steadied(boxes_xyxy: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Hulls of neighbouring boxes, averaged over the same reach: each average still holds the box in its middle."""
    step = float(np.median(np.diff(seconds))) if len(seconds) > 1 else _STEADY_SECONDS
    size = 2 * round(_STEADY_SECONDS / max(step, 1e-6)) + 1
    low = minimum_filter1d(boxes_xyxy[:, :2], size, axis=0, mode="nearest")
    high = maximum_filter1d(boxes_xyxy[:, 2:], size, axis=0, mode="nearest")
    return np.concatenate(
        [uniform_filter1d(low, size, axis=0, mode="nearest"), uniform_filter1d(high, size, axis=0, mode="nearest")],
        axis=1,
    )
