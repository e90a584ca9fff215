"""Which parts of each frame to hide so that no tracked object shows in any frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vidtrack.core.errors import UsageError
from vidtrack.core.types import ObjectState
from vidtrack.tracklog import TrackLog
from vidtrack.tracklog.trajectories import Trajectory, bridged, continuous_trajectories, with_trajectories

_STEADY_SECONDS = 0.12  # boxes enclose those this long before and after, moved along with the object: no jitter
_SPEED_SECONDS = 0.4  # speed is measured over this much of a track, or over this many boxes if there are few
_SPEED_BOXES = 3
_HASTE = 1.5  # an undetected object may be this many times faster than it was seen to be
_GROWTH = 0.5  # of its size per second, for a box without a detection
_GROWTH_MOST = 0.5
_SMALL = 0.15  # of the image's shorter side: smaller boxes are less exact, so they get the margin of this size
_OUTWARDS = np.array([-1, -1, 1, 1])


@dataclass(frozen=True)
class CoverageConfig:
    """How far the hidden area exceeds the logged boxes: in space, as a fraction of a box's root area, and in time."""

    margin: float = 0.1
    hold_before_seconds: float = 0.5
    hold_after_seconds: float = 0.5

    def __post_init__(self) -> None:
        for name in ("margin", "hold_before_seconds", "hold_after_seconds"):
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise UsageError(f"{name.replace('_', ' ')} is {value:g}", "give a finite number of at least 0")


def cover(log: TrackLog, config: CoverageConfig = CoverageConfig()) -> TrackLog:
    """The log of what to hide: every track without gaps, held at both ends, with larger boxes.

    Between two detections a box encloses both. If they are far apart in time or space, it also encloses everywhere the
    object can have been at 1.5 times the speed it had before, after or on the way, and grows with the time since a
    detection. Beyond the ends, but not across a cut, it reaches from the last position to where that speed would have
    taken it. No box is smaller than the logged one; the margin is added to what remains once jitter is averaged out.
    """
    shots = log.shots
    return with_trajectories(log, [_covering(path, log, shots, config) for path in continuous_trajectories(log)])


def _covering(path: Trajectory, log: TrackLog, shots: np.ndarray, config: CoverageConfig) -> Trajectory:
    rows = _held_rows(path, log.frame_seconds, shots, config)
    ahead, behind = path.first_row - int(rows[0]), int(rows[-1]) - path.last_row
    seconds, shot = log.frame_seconds[rows], shots[rows]
    course = _Course(path.boxes_xyxy, log.frame_seconds[path.rows], shots[path.rows])
    short = bridged(path, seconds[ahead : len(rows) - behind])
    sights = np.flatnonzero(path.detected) if path.detected.any() else np.array([0, len(path.detected) - 1])
    boxes = np.concatenate(
        [
            course.onward(0, seconds[:ahead]),
            _filled(course, sights, short),
            course.onward(len(path.detected) - 1, seconds[len(rows) - behind :]),
        ]
    )
    away = np.where(np.pad(short, (ahead, behind)), 0, _away(sights + ahead, seconds, shot))
    away += _unwatched(log.frame_seconds, log.frame_indices)[rows]
    sizes = np.pad(path.boxes_xyxy[:, 2:] - path.boxes_xyxy[:, :2], ((ahead, behind), (0, 0)), mode="edge")
    outwards = np.tile(sizes, 2) * _OUTWARDS
    side = np.sqrt(sizes.prod(axis=1, keepdims=True))  # arms and errors reach as far out of a narrow box as of a square
    margins = config.margin * np.maximum(side, _SMALL * min(log.header.source.size)) * _OUTWARDS
    boxes += outwards * np.minimum(away * _GROWTH, _GROWTH_MOST)[:, None]
    for number in np.unique(shot):
        here = shot == number
        boxes[here] = _steadied(boxes[here], margins[here], seconds[here])
    return replace(
        path,
        rows=rows,
        boxes_xyxy=boxes,
        scores=np.pad(path.scores, (ahead, behind), mode="edge"),
        states=np.pad(path.states, (ahead, behind), constant_values=int(ObjectState.INTERPOLATED)),
    )


def _held_rows(path: Trajectory, seconds: np.ndarray, shots: np.ndarray, config: CoverageConfig) -> np.ndarray:
    """Frame rows from the start of the hold before a track to the end of the hold after it, within its shots."""
    first, last = path.first_row, path.last_row
    start = int(np.searchsorted(seconds, seconds[first] - config.hold_before_seconds - 1e-9))
    start = max(start, int(np.searchsorted(shots, shots[first])))
    end = int(np.searchsorted(seconds, seconds[last] + config.hold_after_seconds + 1e-9))  # exclusive
    return np.arange(start, min(end, int(np.searchsorted(shots, shots[last], side="right"))))


@dataclass(frozen=True)
class _Course:
    """A track over time: boxes (M, 4) at `seconds` (M,), in shots `shots` (M,)."""

    boxes_xyxy: np.ndarray
    seconds: np.ndarray
    shots: np.ndarray

    def speed(self, place: int, way: int) -> np.ndarray:
        """Velocity (2,) of the box centres in pixels per second, up to `place` if `way` is -1, after it if 1."""
        near = (self.shots == self.shots[place]) & (np.abs(self.seconds - self.seconds[place]) <= _SPEED_SECONDS)
        own = np.flatnonzero(near)
        own = own[(own - place) * way >= 0]
        if len(own) < _SPEED_BOXES:
            own = place + way * np.arange(_SPEED_BOXES)
            if own.min() < 0 or own.max() >= len(self.shots) or (self.shots[own] != self.shots[place]).any():
                return np.zeros(2)
        middles = (self.boxes_xyxy[own, :2] + self.boxes_xyxy[own, 2:]) / 2
        return np.polyfit(self.seconds[own] - self.seconds[place], middles, 1)[0]

    def onward(self, place: int, seconds: np.ndarray) -> np.ndarray:
        """Boxes (K, 4) at times all before or all after that of `place`, enclosing the whole way there."""
        ahead = seconds[:, None] - self.seconds[place]
        way = 1 if (ahead < 0).any() else -1
        moved = _HASTE * ahead * self.speed(place, way)  # (K, 2)
        return _hull(self.boxes_xyxy[place], self.boxes_xyxy[place] + np.tile(moved, 2))

    def between(self, first: int, second: int) -> np.ndarray:
        """Boxes (second - first - 1, 4) that enclose both places and all that is within reach of both."""
        ends = [first, second]
        known, at = self.boxes_xyxy[ends], self.seconds[ends]
        middles = (known[:, :2] + known[:, 2:]) / 2
        speeds = self.speed(first, -1), self.speed(second, 1), (middles[1] - middles[0]) / (at[1] - at[0])
        reach = _HASTE * np.tile(np.abs(speeds).max(axis=0), 2) * _OUTWARDS
        away = np.abs(self.seconds[first + 1 : second] - at[:, None])[..., None]  # (2, K, 1)
        one, other = known[:, None] + away * reach
        met = np.hstack([np.maximum(one[:, :2], other[:, :2]), np.minimum(one[:, 2:], other[:, 2:])])
        return _hull(_hull(*known), met)


def _filled(course: _Course, sights: np.ndarray, short: np.ndarray) -> np.ndarray:
    """The boxes of a course; those between `sights` enclose everywhere the object may be.

    In a gap that is `short` (M,) bool, that is around the boxes at both ends.
    """
    boxes = course.boxes_xyxy.copy()
    for n in np.flatnonzero(np.diff(sights) > 1).tolist():
        first, second = int(sights[n]), int(sights[n + 1])
        gap = np.arange(first + 1, second)
        if short[first + 1]:
            boxes[gap] = _hull(boxes[first], boxes[second])
            continue
        if course.shots[first] == course.shots[second]:
            boxes[gap] = _hull(boxes[gap], course.between(first, second))
            continue
        for place in (first, second):
            rows = gap[course.shots[gap] == course.shots[place]]
            boxes[rows] = _hull(boxes[rows], course.onward(place, course.seconds[rows]))
    return boxes


def _hull(boxes_xyxy: np.ndarray, others_xyxy: np.ndarray) -> np.ndarray:
    """The smallest boxes that enclose both."""
    low = np.minimum(boxes_xyxy[..., :2], others_xyxy[..., :2])
    return np.concatenate([low, np.maximum(boxes_xyxy[..., 2:], others_xyxy[..., 2:])], axis=-1)


def _away(sights: np.ndarray, seconds: np.ndarray, shots: np.ndarray) -> np.ndarray:
    """Seconds (M,) to the nearest detection in the same shot; infinite if there is none."""
    away = np.full(len(seconds), np.inf)
    for shot in np.unique(shots[sights]):
        here, known = shots == shot, seconds[sights[shots[sights] == shot]]
        after = np.searchsorted(known, seconds[here]).clip(0, len(known) - 1)
        away[here] = np.minimum(
            np.abs(known[after] - seconds[here]), np.abs(seconds[here] - known[(after - 1).clip(0)])
        )
    return away


def _unwatched(seconds: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Half the time (F,) to the farther logged neighbour, if frames were skipped in between."""
    half = np.where(np.diff(indices) > 1, np.diff(seconds) / 2, 0)
    return np.maximum(np.append(half, 0), np.append(0, half))


def _steadied(boxes_xyxy: np.ndarray, margins: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Boxes (M, 4) that change evenly, enclose those given, and on average lie outside of them by `margins` (M, 4).

    Each is the hull of its neighbours, moved along at their common speed, averaged over the same neighbours, so it
    encloses the box in its middle; and of the straight line through the neighbours and their margins.
    """
    step = float(np.median(np.diff(seconds))) if len(seconds) > 1 else _STEADY_SECONDS
    reach = round(_STEADY_SECONDS / max(step, 1e-6))
    near = np.arange(len(seconds))[:, None] + np.arange(-reach, reach + 1)  # (M, W)
    inside = ((near >= 0) & (near < len(seconds)))[..., None]
    near = near.clip(0, len(seconds) - 1)
    since = np.where(inside, (seconds[near] - seconds[:, None])[..., None], 0)  # (M, W, 1)

    count = inside.sum(axis=1)
    middle = since.sum(axis=1) / count
    lever = np.where(inside, since - middle[:, None], 0)
    spread = np.maximum((lever**2).sum(axis=1), 1e-9)
    wanted = (boxes_xyxy + margins)[near]
    slope = (lever * wanted).sum(axis=1) / spread
    line = np.where(inside, wanted, 0).sum(axis=1) / count - slope * middle

    slope = (lever * boxes_xyxy[near]).sum(axis=1) / spread
    speed = np.tile((slope[:, :2] + slope[:, 2:]) / 2, 2)  # (M, 4)
    moved = boxes_xyxy[near] - speed[:, None] * since
    low = np.where(inside, moved, np.inf)[..., :2].min(axis=1)
    around = np.hstack([low, np.where(inside, moved, -np.inf)[..., 2:].max(axis=1)])
    shares = np.where(inside, around[near] - speed[near] * since, 0)
    return _hull(shares.sum(axis=1) / count, line)
