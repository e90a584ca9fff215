"""How alike tracks and detections are, and the best one-to-one assignment of them."""

from __future__ import annotations

import lap
import numpy as np

from vidtrack.core.boxes import area, pairwise_iou, xyxy_to_cxcywh
from vidtrack.core.detections import Detections
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.motion import mahalanobis_distance
from vidtrack.tracking.state import Tracks


def similarity(tracks: Tracks, detections: Detections, seconds: float, config: TrackerConfig) -> np.ndarray:
    """Similarity (T, D): overlap with the predicted box, less two penalties.

    One where the classes disagree, one for the time the track was not seen: who was just there goes first. The overlap
    is IoU times that of the heights, which tell people at different distances apart (HM-IoU of Hybrid-SORT, Yang et
    al., AAAI 2024).
    """
    expected, found = tracks.predicted_xyxy, detections.boxes_xyxy
    alike = pairwise_iou(expected, found) * _pairwise_height_iou(expected, found)
    alike -= config.absence_penalty * (seconds - tracks.seen_seconds)[:, None]
    if tracks.votes.shape[1] > 1:
        share = tracks.votes[:, detections.classes] / tracks.votes.sum(axis=1, keepdims=True)
        alike -= config.class_penalty * (1 - share)
    return alike


def _pairwise_height_iou(a_xyxy: np.ndarray, b_xyxy: np.ndarray) -> np.ndarray:
    """Intersection over union (N, M) of the vertical extents."""
    top, bottom = a_xyxy[:, 1, None], a_xyxy[:, 3, None]
    shared = np.minimum(bottom, b_xyxy[:, 3]) - np.maximum(top, b_xyxy[:, 1])
    joined = np.maximum(bottom, b_xyxy[:, 3]) - np.minimum(top, b_xyxy[:, 1])
    return np.clip(shared, 0, None) / np.maximum(joined, 1e-9)


def gated_similarity(tracks: Tracks, detections: Detections, config: TrackerConfig) -> np.ndarray:
    """Similarity (T, D) to the predicted boxes: 1 at them, 0 at the gate, -1 beyond or if class or size differ.

    Unlike IoU it tolerates more the longer a track was not seen and the less steadily it moved before.
    """
    boxes = xyxy_to_cxcywh(detections.boxes_xyxy)
    near = 1 - mahalanobis_distance(tracks.motion, boxes) / config.recovery_gate_sigma
    alike = tracks.classes[:, None] == detections.classes
    for side in (2, 3):
        ratio = boxes[:, side] / np.maximum(tracks.position[:, side, None], 1e-9)
        alike &= np.minimum(ratio, 1 / np.maximum(ratio, 1e-9)) >= config.recovery_min_size_ratio
    return np.where(alike & (near >= 0), near, -1.0)


def assign(similarities: np.ndarray, floor: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (rows, columns) of the assignment with the largest sum of similarities (N, M), each at least `floor`."""
    if similarities.size == 0 or similarities.max() < floor:
        none = np.zeros(0, dtype=np.int64)
        return none, none
    # A pair below the floor costs as much as no pair, so all of them may cost the same and be dropped afterwards.
    cost = np.ascontiguousarray(1 - np.maximum(similarities, floor), dtype=np.float64)
    _, column_of_row, _ = lap.lapjv(cost, extend_cost=True)
    rows = np.flatnonzero(column_of_row >= 0)
    columns = column_of_row[rows].astype(np.int64)
    good = similarities[rows, columns] >= floor
    return rows[good], columns[good]


def accept_track_queries(predicted_xyxy: np.ndarray, found: Detections, config: TrackerConfig) -> np.ndarray:
    """Which carried queries to believe, of one detection for each predicted box (N, 4): sure, near it, alone there.

    Where two queries settled on one object, the one nearer to its prediction keeps it.
    """
    near = paired_iou(predicted_xyxy, found.boxes_xyxy)
    rows = np.flatnonzero((found.scores >= config.track_query_score) & (near >= config.track_query_iou))
    rows = rows[np.argsort(-near[rows], kind="stable")]
    clash = np.triu(pairwise_iou(found.boxes_xyxy[rows], found.boxes_xyxy[rows]) > config.nms_iou, k=1)
    return np.sort(rows[greedy_keep_mask(clash)])


def nms(detections: Detections, config: TrackerConfig) -> Detections:
    """One detection an object: of those that overlap too much the best score stays."""
    n = len(detections)
    if n < 2:
        return detections
    order = np.argsort(-detections.scores, kind="stable")
    detections = detections[order]
    overlap = np.triu(pairwise_iou(detections.boxes_xyxy, detections.boxes_xyxy), k=1)
    better, worse = np.nonzero(overlap > min(config.nms_iou, config.cross_class_nms_iou))
    if not len(better):
        return detections
    same_class = detections.classes[better] == detections.classes[worse]
    limit = np.where(same_class, config.nms_iou, config.cross_class_nms_iou)
    clash = np.zeros(overlap.shape, dtype=bool)
    clash[better, worse] = overlap[better, worse] > limit
    return detections[greedy_keep_mask(clash)]


def paired_iou(a_xyxy: np.ndarray, b_xyxy: np.ndarray) -> np.ndarray:
    """IoU (N,) of each box in (N, 4) with its counterpart."""
    low, high = np.maximum(a_xyxy[:, :2], b_xyxy[:, :2]), np.minimum(a_xyxy[:, 2:], b_xyxy[:, 2:])
    overlap = area(np.concatenate([low, high], axis=1))
    return overlap / np.maximum(area(a_xyxy) + area(b_xyxy) - overlap, 1e-9)


def greedy_keep_mask(clash: np.ndarray) -> np.ndarray:
    """Mask (N,) of the rows that no kept earlier row clashes with; clash (N, N) is upper triangular."""
    kept = np.ones(len(clash), dtype=bool)
    for row in np.flatnonzero(clash.any(axis=1)):
        if kept[row]:
            kept &= ~clash[row]
    return kept
