"""Which boxes count: ground truth marked to be ignored, and the results that cover it."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from scipy.optimize import linear_sum_assignment

from vidtrack.core.boxes import area, pairwise_intersection, pairwise_iou
from vidtrack.datasets.mot import MotRows

MATCH_IOU = 0.5  # at least this IoU matches a result to a ground-truth box
LEAST_MATCH_IOU = MATCH_IOU - np.finfo(np.float64).eps  # TrackEval's tolerance
INSIDE = 0.5  # share of a box from which on it lies in a region

PEDESTRIAN = 1
DISTRACTORS = (2, 7, 8, 12)  # person on vehicle, static person, distractor, reflection
DISTRACTORS_MOT20 = (*DISTRACTORS, 6)  # and vehicles


class Rules(StrEnum):
    """What is done about rows of the ground truth that do not count.

    ignore: rows of score 0 are objects to be ignored, or where their id is 0 or less regions to be ignored; results on
    them count neither way. mot15, mot17 and mot20 are the rules of those benchmarks as TrackEval applies them: in the
    first, rows of score 0 are left out and results on them are false; in the others only pedestrians count, and
    results on distractors count neither way. auto: mot20 for sequences called so, else mot17 where the ground truth
    has MOTChallenge's column of classes, else ignore.
    """

    AUTO = "auto"
    IGNORE = "ignore"
    MOT15 = "mot15"
    MOT17 = "mot17"
    MOT20 = "mot20"


def rules_for(name: str, truth: MotRows) -> Rules:
    """What `auto` means for sequence `name`."""
    if not truth.has_classes:
        return Rules.IGNORE
    return Rules.MOT20 if name.upper().startswith("MOT20") else Rules.MOT17


def counted(true: MotRows, found: MotRows, rules: Rules) -> tuple[np.ndarray, np.ndarray]:
    """Which boxes (N,) and (M,) bool of one frame's ground truth and result count under `rules`, which is not auto."""
    marked = true.scores <= 0
    if rules is Rules.MOT15:
        return ~marked, np.ones(len(found), dtype=bool)
    kinds = true.extra[:, 0]
    if rules is Rules.IGNORE:
        region = marked & (true.ids <= 0)
        forgiving, counting = marked & ~region, ~marked
    else:
        region = np.zeros(len(true), dtype=bool)
        forgiving = np.isin(kinds, DISTRACTORS_MOT20 if rules is Rules.MOT20 else DISTRACTORS)
        counting = ~marked & (kinds == PEDESTRIAN)
    return counting, _kept(true, found, forgiving, region)


def _kept(true: MotRows, found: MotRows, forgiving: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Results (M,) bool that neither match a forgiving row nor, unmatched, lie in a region."""
    kept = np.ones(len(found), dtype=bool)
    if not len(found) or not (forgiving | region).any():
        return kept
    objects = np.flatnonzero(~region)
    overlap = pairwise_iou(true.boxes_xyxy[objects], found.boxes_xyxy)  # (objects, M)
    rows, columns = linear_sum_assignment(np.where(overlap >= LEAST_MATCH_IOU, overlap, 0.0), maximize=True)
    matched = overlap[rows, columns] >= LEAST_MATCH_IOU
    rows, columns = rows[matched], columns[matched]
    kept[columns[forgiving[objects[rows]]]] = False
    if region.any():
        shared = pairwise_intersection(true.boxes_xyxy[region], found.boxes_xyxy).max(axis=0)
        inside = shared > INSIDE * area(found.boxes_xyxy)
        inside[columns] = False
        kept &= ~inside
    return kept
