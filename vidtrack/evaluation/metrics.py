"""Tracking quality as the field measures it: HOTA, CLEAR and identity scores, computed by `motrics`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import motrics
import numpy as np
from scipy.optimize import linear_sum_assignment

from vidtrack.boxes import pairwise_iou
from vidtrack.evaluation.mot import MotRows

MATCH_IOU = 0.5  # from here on a result covers a ground-truth box in the CLEAR and identity scores


@dataclass(frozen=True)
class TrackingScores:
    """HOTA and its parts (Luiten et al., IJCV 2021), CLEAR (Bernardin 2008), IDF1 (Ristani 2016); shares in [0, 1]."""

    hota: float
    deta: float
    assa: float
    loca: float
    mota: float
    idf1: float
    switches: int
    fragments: int
    mostly_tracked: int
    mostly_lost: int
    true_positives: int
    false_positives: int
    false_negatives: int
    frames: int


@dataclass(frozen=True)
class Aligned:
    """Ground truth and result of a sequence, frame by frame, ignored regions taken out; boxes xyxy pixels."""

    truth_ids: list[np.ndarray]
    truth_boxes: list[np.ndarray]
    result_ids: list[np.ndarray]
    result_boxes: list[np.ndarray]


def align(truth: MotRows, result: MotRows, frames: int | None = None) -> Aligned:
    """Pair ground truth and result by frame; a result that covers an ignored row (score 0) counts neither way.

    `frames` is the length of the sequence, by default the last frame that either side mentions.
    """
    frames = frames or max(truth.last_frame, result.last_frame)
    aligned = Aligned([], [], [], [])
    for true, found in zip(truth.by_frame(frames), result.by_frame(frames), strict=True):
        counted = true.scores > 0
        kept = np.ones(len(found), dtype=bool)
        if not counted.all() and len(found):
            overlap = pairwise_iou(true.boxes_xyxy, found.boxes_xyxy)
            rows, columns = linear_sum_assignment(np.where(overlap >= MATCH_IOU, overlap, 0.0), maximize=True)
            covers_ignored = (overlap[rows, columns] >= MATCH_IOU) & ~counted[rows]
            kept[columns[covers_ignored]] = False
        aligned.truth_ids.append(true.ids[counted])
        aligned.truth_boxes.append(true.boxes_xyxy[counted])
        aligned.result_ids.append(found.ids[kept])
        aligned.result_boxes.append(found.boxes_xyxy[kept])
    return aligned


def join(sequences: Sequence[Aligned]) -> Aligned:
    """One long sequence whose scores are the benchmark's combined scores; ids of different parts stay apart."""
    joined, truth_base, result_base = Aligned([], [], [], []), 0, 0
    for part in sequences:
        joined.truth_ids.extend(ids + truth_base for ids in part.truth_ids)
        joined.result_ids.extend(ids + result_base for ids in part.result_ids)
        joined.truth_boxes.extend(part.truth_boxes)
        joined.result_boxes.extend(part.result_boxes)
        truth_base += 1 + max((int(ids.max()) for ids in part.truth_ids if len(ids)), default=0)
        result_base += 1 + max((int(ids.max()) for ids in part.result_ids if len(ids)), default=0)
    return joined


def score(aligned: Aligned) -> TrackingScores:
    """Scores of one sequence, or of several joined."""
    result = motrics.evaluate(
        motrics.Frames([ids.tolist() for ids in aligned.truth_ids], aligned.truth_boxes),
        motrics.Frames([ids.tolist() for ids in aligned.result_ids], aligned.result_boxes),
        iou_threshold=MATCH_IOU,
    )
    clear, hota = result.clear, result.hota
    return TrackingScores(
        hota=hota.hota,
        deta=hota.deta,
        assa=hota.assa,
        loca=hota.loca,
        mota=clear.mota,
        idf1=result.identity.idf1,
        switches=clear.num_switches,
        fragments=clear.frag,
        mostly_tracked=clear.mt,
        mostly_lost=clear.ml,
        true_positives=clear.num_matches,
        false_positives=clear.num_false_positives,
        false_negatives=clear.num_misses,
        frames=clear.num_frames,
    )
