"""Which parts of which frames must be hidden so that no tracked object shows, not in one frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d

from vidtrack.effects.paths import TrackPath, log_of, paths_of
from vidtrack.errors import UsageError
from vidtrack.tracklog import TrackLog, shots_of

_STEADY_SECONDS = 0.12  # boxes reach around all there were so far before and after, which evens out their jitter
_SPEED_SECONDS = 0.4  # speed is measured over this long a piece of track
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

    Between two sights a box moves evenly and grows with the time to the nearer of them. Beyond the ends, but not over a
    cut, it grows too, and reaches from where the object was to where its speed would have taken it. No box is smaller
    than the logged one.
    """
    shots = shots_of(log)
    return log_of(log, [_covering(path, log.frame_seconds, shots, config) for path in paths_of(log)])


def _covering(path: TrackPath, seconds: np.ndarray, shots: np.ndarray, config: CoverConfig) -> TrackPath:
    grown = _grown(path.boxes_xyxy, config.margin + _doubt(path, seconds))
    first, last = path.first_row, path.last_row
    start = int(np.searchsorted(seconds, seconds[first] - config.hold_before_seconds - 1e-9))
    start = max(start, int(np.searchsorted(shots, shots[first])))
    end = int(np.searchsorted(seconds, seconds[last] + config.hold_after_seconds + 1e-9))  # exclusive
    end = min(end, int(np.searchsorted(shots, shots[last], side="right")))
    own = seconds[first : last + 1]
    before = _held(grown[0], _speed(path.boxes_xyxy, own), seconds[start:first] - seconds[first])
    after = _held(grown[-1], _speed(path.boxes_xyxy[::-1], own[::-1]), seconds[last + 1 : end] - seconds[last])
    boxes = np.concatenate([before, grown, after])
    for shot in np.unique(shots[start:end]):
        here = shots[start:end] == shot
        boxes[here] = _steadied(boxes[here], seconds[start:end][here])
    return replace(
        path,
        first_row=start,
        boxes_xyxy=boxes,
        scores=np.pad(path.scores, (len(before), len(after)), mode="edge"),
        seen=np.pad(path.seen, (len(before), len(after))),
    )


def _doubt(path: TrackPath, seconds: np.ndarray) -> np.ndarray:
    """Growth (M,) of each box, by the time to its nearest sight."""
    own, sights = seconds[path.rows], seconds[path.rows[path.seen]]
    if not len(sights):
        return np.full(len(own), _GROWTH_MOST)
    after = np.searchsorted(sights, own).clip(0, len(sights) - 1)
    before = (np.searchsorted(sights, own, side="right") - 1).clip(0)
    away = np.minimum(np.abs(sights[after] - own), np.abs(own - sights[before]))
    return _growth(away)


def _growth(away: np.ndarray) -> np.ndarray:
    """Share of its size by which a box reaches further out, `away` seconds from a sight."""
    return np.minimum(away * _GROWTH, _GROWTH_MOST)


def _grown(boxes_xyxy: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Boxes (M, 4) with `shares` (M,) of their size added at each side."""
    reach = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]) * shares[:, None]
    return np.concatenate([boxes_xyxy[:, :2] - reach, boxes_xyxy[:, 2:] + reach], axis=1)


def _speed(boxes_xyxy: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Pixels a second (2,) of the boxes' middles near the first of them; `seconds` may run backwards."""
    near = np.abs(seconds - seconds[0]) <= _SPEED_SECONDS
    if near.sum() < 3:
        return np.zeros(2)
    middles = (boxes_xyxy[near, :2] + boxes_xyxy[near, 2:]) / 2
    return np.polyfit(seconds[near] - seconds[0], middles, 1)[0]


def _held(box: np.ndarray, speed: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    """Boxes (K, 4) that hold both `box` and where it would be `ahead` (K,) seconds later, earlier if negative."""
    moved = box + np.tile(ahead[:, None] * speed, 2)
    hull = np.concatenate([np.minimum(box[:2], moved[:, :2]), np.maximum(box[2:], moved[:, 2:])], axis=1)
    return _grown(hull, _growth(np.abs(ahead)))


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
