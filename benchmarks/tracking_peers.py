"""The peers of the tracking benchmark: trackers of the packages `trackers` and `boxmot` that need no weights."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from tracking_data import Footage, Maker, Step, quality, run

from vidtrack.tracking.state import Detections, TrackedBoxes

TRACKERS, BOXMOT = "trackers", "boxmot"
PEERS = {
    "SORT": TRACKERS,
    "ByteTrack": TRACKERS,
    "OCSORT": TRACKERS,
    "BoTSORT": TRACKERS,
    "SFSORT": BOXMOT,
    "BoostTrack": BOXMOT,
    "HybridSort": BOXMOT,
    "OccluBoost": BOXMOT,
}
FIXED: dict[
    str, dict[str, Any]
] = {  # no camera motion, which needs the pictures, and no appearance, which needs weights
    "BoTSORT": {"enable_cmc": False},
    "BoostTrack": {"use_cmc": False},
    "HybridSort": {"use_embeddings": False, "with_longterm_reid": False, "with_longterm_reid_correction": False},
    "OccluBoost": {"use_cmc": False, "use_embeddings": False, "gta_enabled": False},
}
GRIDS: dict[str, dict[str, list[Any]]] = {
    "SORT": {
        "track_activation_threshold": [0.3, 0.5],
        "minimum_consecutive_frames": [1, 2, 3],
        "minimum_iou_threshold": [0.1, 0.3],
        "lost_track_buffer": [30],
    },
    "ByteTrack": {
        "track_activation_threshold": [0.4, 0.6],
        "minimum_consecutive_frames": [1, 2],
        "high_conf_det_threshold": [0.3, 0.6],
        "lost_track_buffer": [30, 60],
    },
    "OCSORT": {
        "high_conf_det_threshold": [0.3, 0.4, 0.5],
        "minimum_consecutive_frames": [1, 3],
        "minimum_iou_threshold": [0.1, 0.3],
        "lost_track_buffer": [60],
    },
    "BoTSORT": {
        "track_activation_threshold": [0.4, 0.6],
        "minimum_consecutive_frames": [1, 2],
        "high_conf_det_threshold": [0.3, 0.4, 0.6],
        "lost_track_buffer": [60],
    },
    "SFSORT": {
        "high_th": [0.3, 0.5],
        "new_track_th": [0.4, 0.6],
        "match_th_first": [0.67, 0.8],
        "central_timeout": [30],
        "marginal_timeout": [0, 15],
    },
    "BoostTrack": {"det_thresh": [0.3, 0.5], "min_hits": [1, 2], "iou_threshold": [0.1, 0.3], "max_age": [60]},
    "HybridSort": {"det_thresh": [0.3, 0.4, 0.5], "min_hits": [1, 2], "max_age": [60]},
    "OccluBoost": {"det_thresh": [0.3, 0.5], "new_track_thresh": [0.4, 0.6], "confirm_hits": [1, 2]},
}
FITTED: dict[str, dict[str, Any]] = {  # on finer grids, to the public detections of PETS09-S2L1 and ADL-Rundle-6
    "SORT": {
        "track_activation_threshold": 0.5,
        "minimum_consecutive_frames": 2,
        "minimum_iou_threshold": 0.3,
        "lost_track_buffer": 30,
    },
    "ByteTrack": {
        "track_activation_threshold": 0.4,
        "minimum_consecutive_frames": 1,
        "minimum_iou_threshold": 0.2,
        "high_conf_det_threshold": 0.6,
        "lost_track_buffer": 30,
    },
    "OCSORT": {
        "high_conf_det_threshold": 0.4,
        "minimum_consecutive_frames": 1,
        "minimum_iou_threshold": 0.1,
        "lost_track_buffer": 60,
    },
    "BoTSORT": {
        "track_activation_threshold": 0.4,
        "minimum_consecutive_frames": 2,
        "high_conf_det_threshold": 0.3,
        "lost_track_buffer": 60,
    },
    "SFSORT": {"high_th": 0.5, "new_track_th": 0.4, "central_timeout": 30},
    "BoostTrack": {"det_thresh": 0.4, "min_hits": 1, "iou_threshold": 0.1, "max_age": 60},
    "HybridSort": {"det_thresh": 0.4, "min_hits": 1, "max_age": 60},
    "OccluBoost": {"new_track_thresh": 0.6},
}


def peer(name: str, options: Mapping[str, Any]) -> Maker:
    """A tracker by name, with its own defaults but for `options`."""
    return (_of_trackers if PEERS[name] == TRACKERS else _of_boxmot)(name, {**FIXED.get(name, {}), **options})


def fit(name: str, training: list[Footage]) -> dict[str, Any]:
    """The options of the grid with the best HOTA + IDF1 on the training footage."""
    grid = GRIDS[name]
    choices = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    return max(choices, key=lambda options: quality(run(peer(name, options), training), training))


def _of_trackers(name: str, options: Mapping[str, Any]) -> Maker:
    import supervision
    import trackers

    def make(footage: Footage) -> Step:
        tracker = getattr(trackers, f"{name}Tracker")(frame_rate=footage.sequence.frames_per_second, **options)

        def step(detections: Detections, seconds: float) -> TrackedBoxes:
            found = tracker.update(
                supervision.Detections(
                    xyxy=detections.boxes_xyxy.astype(np.float32),
                    confidence=detections.scores.astype(np.float32),
                    class_id=detections.classes,
                )
            )
            known = np.zeros(0, dtype=np.int64)
            if found.tracker_id is not None:
                known = np.flatnonzero(found.tracker_id >= 0)
            return _shown(found.tracker_id[known] + 1 if len(known) else known, found.xyxy[known])

        return step

    return make


def _of_boxmot(name: str, options: Mapping[str, Any]) -> Maker:
    import boxmot

    def make(footage: Footage) -> Step:
        tracker = getattr(boxmot, name)(**options)
        tracker.cmc = None  # HybridSort has no option for it
        width, height = footage.sequence.size
        nothing = np.zeros((height, width, 3), np.uint8)  # only its size is looked at

        def step(detections: Detections, seconds: float) -> TrackedBoxes:
            rows = np.column_stack([detections.boxes_xyxy, detections.scores, detections.classes])
            found = np.asarray(tracker.update(rows.astype(np.float32), nothing)).reshape(-1, 8)
            return _shown(found[:, 4].astype(np.int64) + 1, found[:, :4])

        return step

    return make


def _shown(ids: np.ndarray, boxes_xyxy: np.ndarray) -> TrackedBoxes:
    none = np.zeros(len(ids), dtype=np.int64)
    return TrackedBoxes(ids, none, np.ones(len(ids)), boxes_xyxy.astype(np.float64), none)
