"""Which result covers which object of the ground truth in every frame, and when that changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from vidtrack.core.boxes import pairwise_iou
from vidtrack.evaluation.ignoring import LEAST_MATCH_IOU
from vidtrack.evaluation.metrics import Aligned

NOBODY = -1
_LOYALTY = 1000.0  # a continued match outweighs every new one


@dataclass(frozen=True)
class Coverage:
    """One entry a box of the ground truth, in the order of frames; F frames.

    `covered_by` (N,) is the id of the result on the box or NOBODY, `instead_of` (N,) at a switch the id that was on the
    same object last, else NOBODY; `false_boxes` (F,) counts the results on no object.
    """

    frames: np.ndarray  # (N,) from 1
    truth_ids: np.ndarray
    covered_by: np.ndarray
    instead_of: np.ndarray
    false_boxes: np.ndarray

    @property
    def switched(self) -> np.ndarray:
        """Boxes (N,) bool at which another id took over."""
        return self.instead_of != NOBODY

    @property
    def length(self) -> int:
        """Number of frames."""
        return len(self.false_boxes)


def cover(aligned: Aligned) -> Coverage:
    """Match frame by frame as CLEAR does (Bernardin 2008): matches continue while they can, the rest maximise IoU."""
    frames, covered_by, instead_of, false_boxes = [], [], [], []
    before: dict[int, int] = {}  # matches of the frame before: ground truth to result
    latest: dict[int, int] = {}  # the last match of each object
    sides = (aligned.truth_ids, aligned.truth_boxes, aligned.result_ids, aligned.result_boxes)
    for frame, (true, true_boxes, found, found_boxes) in enumerate(zip(*sides, strict=True), start=1):
        frames.append(np.full(len(true), frame))
        if not len(true) or not len(found):  # matches outlast a frame in which one side is silent, as in TrackEval
            covered_by.append(np.full(len(true), NOBODY))
            instead_of.append(np.full(len(true), NOBODY))
            false_boxes.append(len(found))
            continue
        overlap = pairwise_iou(true_boxes, found_boxes)
        loyal = np.array([before.get(one, NOBODY) for one in true.tolist()], np.int64)[:, None] == found[None, :]
        rows, columns = linear_sum_assignment(
            np.where(overlap >= LEAST_MATCH_IOU, overlap + _LOYALTY * loyal, 0.0), maximize=True
        )
        matched = overlap[rows, columns] >= LEAST_MATCH_IOU
        by = np.full(len(true), NOBODY)
        by[rows[matched]] = found[columns[matched]]
        before = {one: other for one, other in zip(true.tolist(), by.tolist(), strict=True) if other != NOBODY}
        last = np.array([latest.get(one, NOBODY) for one in true.tolist()], np.int64)
        instead_of.append(np.where((by != NOBODY) & (by != last), last, NOBODY))
        latest |= before
        covered_by.append(by)
        false_boxes.append(len(found) - len(before))
    return Coverage(
        _joined(frames),
        _joined(aligned.truth_ids),
        _joined(covered_by),
        _joined(instead_of),
        np.array(false_boxes, np.int64),
    )


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros(0, np.int64), *parts])
