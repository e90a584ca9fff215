"""Birth, confirmation and end of tracks."""

from __future__ import annotations

import numpy as np

from vidtrack.core.boxes import area, pairwise_intersection, pairwise_iou
from vidtrack.core.class_names import kinds_apart
from vidtrack.core.detections import Detections
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.matching import greedy_keep_mask
from vidtrack.tracking.state import Tracks


def births(free: Detections, tracks: Tracks, seconds: float, config: TrackerConfig, kinds: np.ndarray) -> Detections:
    """The unmatched detections, best first, that start a track: each sure, and in a place of its own.

    The place must be free of tracks seen in this frame and of better births. Those of another kind, by the `kinds` (K,)
    of `class_kinds`, do not count: a rider overlaps the horse.
    """
    thresholds = (
        np.array(config.class_thresholds)[free.classes] if config.class_thresholds else config.new_track_threshold
    )
    new = free[free.scores >= thresholds]
    if len(new) == 0:
        return new
    seen = tracks.seen_seconds == seconds
    taken = _taken(new, tracks.boxes_xyxy[seen], tracks.classes[seen], config, kinds)
    new = new[np.flatnonzero(~taken.any(axis=1))]
    new = new[np.argsort(-new.scores, kind="stable")]
    clash = np.triu(_taken(new, new.boxes_xyxy, new.classes, config, kinds).T, k=1)
    return new[np.flatnonzero(greedy_keep_mask(clash))[: max(config.max_tracks - len(tracks), 0)]]


def _taken(
    new: Detections, boxes_xyxy: np.ndarray, classes: np.ndarray, config: TrackerConfig, kinds: np.ndarray
) -> np.ndarray:
    """Mask (N, M) of the detections that overlap too much with known objects, or are a part of a larger one."""
    overlapping = pairwise_iou(new.boxes_xyxy, boxes_xyxy) >= config.new_track_max_iou
    overlapping &= ~kinds_apart(kinds[new.classes], kinds[classes])
    size = area(new.boxes_xyxy)[:, None]
    part = pairwise_intersection(new.boxes_xyxy, boxes_xyxy) >= config.part_min_inside * size
    part &= (size <= config.part_max_area * area(boxes_xyxy)) & (new.classes[:, None] == classes)
    return overlapping | part


def confirmed(tracks: Tracks, seconds: float, config: TrackerConfig) -> np.ndarray:
    """Rows, in order, of unconfirmed tracks seen now that have earned an id: seen before, or very sure."""
    waiting = (tracks.ids == 0) & (tracks.seen_seconds == seconds)
    return np.flatnonzero(waiting & ((tracks.born_seconds < seconds) | (tracks.scores >= config.confirm_score)))


def alive(tracks: Tracks, seconds: float, config: TrackerConfig, by_colour: bool = False) -> np.ndarray:
    """Mask (N,) of the tracks worth remembering: confirmed ones for the patience, others only while seen."""
    unseen = seconds - tracks.seen_seconds
    patience = max(config.max_age_seconds, config.reidentify_seconds) if by_colour else config.max_age_seconds
    return unseen <= np.where(tracks.ids > 0, patience + 1e-9, 0.0)
