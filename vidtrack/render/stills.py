"""The best still of each track."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from vidtrack.core.atomic_files import write_whole
from vidtrack.core.boxes import area
from vidtrack.core.types import Frame
from vidtrack.tracklog import TrackLog
from vidtrack.tracklog.trajectories import Trajectory, with_trajectories

_CANDIDATES = 12  # frames of a track whose sharpness is measured
_APART_SECONDS = 0.2
_EDGE = 2.0  # pixels from the image's edge within which an object counts as cut off
_CUT_OFF = 0.4  # a frame's worth is multiplied by this if the object is cut off
_COVERED = 0.8  # and reduced by up to this if other boxes cover it
_FRAMES_AT_A_TIME = 1024  # whose objects are compared with those of a track
_MEASURED = 128  # pixels along the longer side when sharpness is measured, so that size does not decide


@dataclass(frozen=True)
class Candidate:
    """A frame row in which a track may look its best; `worth` is judged from the log alone."""

    identity: int
    row: int
    box_xyxy: np.ndarray  # (4,) float64
    worth: float


@dataclass(frozen=True)
class Still:
    """The still of a track; `worth` includes sharpness."""

    candidate: Candidate
    image: np.ndarray  # (H, W, 3) uint8 RGB
    worth: float


def candidates_of(wanted: Iterable[Trajectory], everyone: Sequence[Trajectory], log: TrackLog) -> list[Candidate]:
    """Up to a dozen frames of each wanted track, apart in time: sure, large, whole and not behind any of `everyone`."""
    crowd = with_trajectories(log, everyone)
    rows = crowd.frame_rows
    return [candidate for path in wanted for candidate in _candidates(path, _hidden(path, crowd, rows), log)]


def best_stills(
    frames: Iterable[Frame],
    candidates: Sequence[Candidate],
    log: TrackLog,
    scale: tuple[float, float] = (1.0, 1.0),
    margin: float = 0.1,
    whole_frame: bool = False,
) -> Iterator[Still]:
    """The best still of each track, as soon as its last candidate has passed; frames are taken no further than that."""
    waiting = sorted(candidates, key=lambda candidate: candidate.row)
    ends = {candidate.identity: candidate.row for candidate in waiting}
    best: dict[int, Still] = {}
    at = 0
    for frame in frames:
        while at < len(waiting) and frame.seconds >= int(log.frame_pts[waiting[at].row]) * log.time_base:
            candidate, at = waiting[at], at + 1
            still = _still(frame, candidate, scale, margin, whole_frame)
            if candidate.identity not in best or still.worth > best[candidate.identity].worth:
                best[candidate.identity] = still
            if candidate.row == ends[candidate.identity]:
                yield best.pop(candidate.identity)
        if at == len(waiting):
            return
    yield from best.values()  # the clip ended before its log


def write_stills(stills: Iterable[Still], target: Callable[[int], Path]) -> Iterator[tuple[Still, Path]]:
    """Write each still where `target` says for its identity."""
    for still in stills:
        path = target(still.candidate.identity)
        write_whole(path, cv2.imencode(".png", still.image[..., ::-1])[1].tobytes())
        yield still, path


def _candidates(path: Trajectory, hidden: np.ndarray, log: TrackLog) -> list[Candidate]:
    """Those of one track, in order of time; `hidden` (M,) as `_hidden` says."""
    boxes = path.boxes_xyxy
    worth = path.scores * np.sqrt(area(boxes)) * _wholeness(boxes, log) * (1 - _COVERED * hidden)
    worth = np.where(path.detected, worth, worth * 0.1)
    seconds = log.frame_seconds[path.rows]
    chosen: list[int] = []
    for place in np.argsort(-worth, kind="stable").tolist():
        if all(abs(seconds[place] - seconds[other]) >= _APART_SECONDS for other in chosen):
            chosen.append(place)
            if len(chosen) == _CANDIDATES:
                break
    return [
        Candidate(path.identity, path.first_row + place, boxes[place], float(worth[place])) for place in sorted(chosen)
    ]


def _still(frame: Frame, candidate: Candidate, scale: tuple[float, float], margin: float, whole_frame: bool) -> Still:
    left, top, right, bottom = candidate.box_xyxy * np.tile(scale, 2)
    own = _cut(frame.image, left, top, right, bottom)
    if whole_frame:
        shown = frame.image
    else:
        reach = margin * max(right - left, bottom - top)
        shown = _cut(frame.image, left - reach, top - reach, right + reach, bottom + reach)
    return Still(candidate, shown.copy(), candidate.worth * _sharpness(own) ** 0.5)


def _cut(image: np.ndarray, left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """The part of an image inside a box, at least one pixel."""
    height, width = image.shape[:2]
    x0, y0 = min(max(int(left), 0), width - 1), min(max(int(top), 0), height - 1)
    return image[y0 : max(y0 + 1, min(height, round(bottom))), x0 : max(x0 + 1, min(width, round(right)))]


def _sharpness(part: np.ndarray) -> float:
    """Variance of the Laplacian (Pech-Pacheco et al. 2000), contrast taken out, at one size for all."""
    shrink = min(1.0, _MEASURED / max(part.shape[:2]))
    size = max(1, round(part.shape[1] * shrink)), max(1, round(part.shape[0] * shrink))
    grey = cv2.cvtColor(cv2.resize(part, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).var() / (grey.astype(np.float32).var() + 25.0))


def _wholeness(boxes_xyxy: np.ndarray, log: TrackLog) -> np.ndarray:
    width, height = log.header.source.size
    left, top, right, bottom = boxes_xyxy.T
    cut_off = (left < _EDGE) | (top < _EDGE) | (right > width - _EDGE) | (bottom > height - _EDGE)
    return np.where(cut_off, _CUT_OFF, 1.0)


def _hidden(path: Trajectory, crowd: TrackLog, rows: np.ndarray) -> np.ndarray:
    """Share (M,) of each box that lies under the box of one that stands nearer, as its lower edge tells.

    `crowd` has all objects without holes, `rows` (N,) their frame rows.
    """
    hidden = np.zeros(len(path.detected))
    own_area = np.maximum(area(path.boxes_xyxy), 1e-6)
    for first in range(path.first_row, path.last_row + 1, _FRAMES_AT_A_TIME):
        end = min(first + _FRAMES_AT_A_TIME, path.last_row + 1)
        beside = slice(crowd.offsets[first], crowd.offsets[end])
        at, its = rows[beside] - path.first_row, crowd.boxes_xyxy[beside]
        mine = path.boxes_xyxy[at]
        overlap = area(
            np.concatenate([np.maximum(mine[:, :2], its[:, :2]), np.minimum(mine[:, 2:], its[:, 2:])], axis=1)
        )
        nearer = (its[:, 3] > mine[:, 3]) & (crowd.ids[beside] != path.identity)
        np.maximum.at(hidden, at, np.where(nearer, overlap / own_area[at], 0))
    return np.minimum(hidden, 1)
