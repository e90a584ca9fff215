"""Tracking quality as the field measures it: HOTA, CLEAR and identity scores, computed by `trackeval`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from vidtrack.core.boxes import pairwise_iou
from vidtrack.core.errors import UsageError
from vidtrack.datasets.mot import MotRows
from vidtrack.evaluation.ignoring import MATCH_IOU, Rules, counted


@dataclass(frozen=True)
class TrackingScores:
    """HOTA and its parts (Luiten et al., IJCV 2021), CLEAR (Bernardin 2008), IDF1 (Ristani 2016); shares in [0, 1]."""

    hota: float
    deta: float
    assa: float
    loca: float
    mota: float
    motp: float
    idf1: float
    id_precision: float
    id_recall: float
    detection_precision: float
    detection_recall: float
    association_precision: float
    association_recall: float
    precision: float
    recall: float
    switches: int
    fragments: int
    mostly_tracked: int
    partly_tracked: int
    mostly_lost: int
    true_positives: int
    false_positives: int
    false_negatives: int
    truth_tracks: int
    result_tracks: int
    frames: int
    hota_alphas: tuple[float, ...]  # at IoU .05, .10, ... .95


@dataclass(frozen=True)
class Aligned:
    """Ground truth and result of a sequence, frame by frame, without what does not count; boxes xyxy pixels."""

    truth_ids: list[np.ndarray]
    truth_boxes: list[np.ndarray]
    result_ids: list[np.ndarray]
    result_boxes: list[np.ndarray]


@dataclass(frozen=True)
class Measured:
    """What `trackeval` found of one sequence or of several, by kind of score and its own names."""

    values: dict[str, dict[str, Any]]
    truth_tracks: int
    result_tracks: int
    frames: int

    @property
    def scores(self) -> TrackingScores:
        """The figures that are shown."""
        hota, clear, identity = (self.values[kind] for kind in ("HOTA", "CLEAR", "Identity"))
        return TrackingScores(
            hota=float(np.mean(hota["HOTA"])),
            deta=float(np.mean(hota["DetA"])),
            assa=float(np.mean(hota["AssA"])),
            loca=float(np.mean(hota["LocA"])),
            mota=float(clear["MOTA"]),
            motp=float(clear["MOTP"]),
            idf1=float(identity["IDF1"]),
            id_precision=float(identity["IDP"]),
            id_recall=float(identity["IDR"]),
            detection_precision=float(np.mean(hota["DetPr"])),
            detection_recall=float(np.mean(hota["DetRe"])),
            association_precision=float(np.mean(hota["AssPr"])),
            association_recall=float(np.mean(hota["AssRe"])),
            precision=float(clear["CLR_Pr"]),
            recall=float(clear["CLR_Re"]),
            switches=int(clear["IDSW"]),
            fragments=int(clear["Frag"]),
            mostly_tracked=int(clear["MT"]),
            partly_tracked=int(clear["PT"]),
            mostly_lost=int(clear["ML"]),
            true_positives=int(clear["CLR_TP"]),
            false_positives=int(clear["CLR_FP"]),
            false_negatives=int(clear["CLR_FN"]),
            truth_tracks=self.truth_tracks,
            result_tracks=self.result_tracks,
            frames=self.frames,
            hota_alphas=tuple(float(value) for value in hota["HOTA"]),
        )


def align(truth: MotRows, result: MotRows, frames: int | None = None, rules: Rules = Rules.IGNORE) -> Aligned:
    """Pair ground truth and result by frame, without what does not count under `rules`.

    `frames` is the length of the sequence, by default the last frame that either side mentions.
    """
    frames = frames or max(truth.last_frame, result.last_frame)
    aligned = Aligned([], [], [], [])
    for true, found in zip(truth.by_frame(frames), result.by_frame(frames), strict=True):
        counting, kept = counted(true, found, rules)
        aligned.truth_ids.append(true.ids[counting])
        aligned.truth_boxes.append(true.boxes_xyxy[counting])
        aligned.result_ids.append(found.ids[kept])
        aligned.result_boxes.append(found.boxes_xyxy[kept])
    return aligned


def score(aligned: Aligned) -> TrackingScores:
    """Scores of one sequence."""
    return measure(aligned).scores


def measure(aligned: Aligned) -> Measured:
    """Measure one sequence."""
    truth_ids, truth_tracks = _from_zero(aligned.truth_ids)
    result_ids, result_tracks = _from_zero(aligned.result_ids)
    data = {
        "num_timesteps": len(truth_ids),
        "num_gt_ids": truth_tracks,
        "num_tracker_ids": result_tracks,
        "num_gt_dets": sum(map(len, truth_ids)),
        "num_tracker_dets": sum(map(len, result_ids)),
        "gt_ids": truth_ids,
        "tracker_ids": result_ids,
        "similarity_scores": [
            pairwise_iou(true, found) for true, found in zip(aligned.truth_boxes, aligned.result_boxes, strict=True)
        ],
    }
    values = {kind: metric.eval_sequence(data) for kind, metric in _metrics().items()}
    return Measured(values, truth_tracks, result_tracks, len(truth_ids))


def combine(parts: Sequence[Measured]) -> Measured:
    """The benchmark's scores: counts added up, shares taken of the sums; no mean over sequences."""
    values = {
        kind: metric.combine_sequences({str(number): part.values[kind] for number, part in enumerate(parts)})
        for kind, metric in _metrics().items()
    }
    return Measured(
        values,
        sum(part.truth_tracks for part in parts),
        sum(part.result_tracks for part in parts),
        sum(part.frames for part in parts),
    )


def _metrics() -> dict[str, Any]:
    library = _library()
    quiet = {"PRINT_CONFIG": False, "THRESHOLD": MATCH_IOU}
    return {"HOTA": library.HOTA(), "CLEAR": library.CLEAR(quiet), "Identity": library.Identity(quiet)}


def _library() -> ModuleType:
    try:
        from trackeval import metrics
    except ImportError:
        raise UsageError("scores of tracks need trackeval", "pip install 'vidtrack[evaluation]'") from None
    return metrics


def _from_zero(ids: Sequence[np.ndarray]) -> tuple[list[np.ndarray], int]:
    """The same identities numbered 0, 1, ..., and how many there are."""
    known, numbers = np.unique(np.concatenate([np.zeros(0, np.int64), *ids]), return_inverse=True)
    return np.split(numbers, np.cumsum([len(one) for one in ids])[:-1]) if ids else [], len(known)
