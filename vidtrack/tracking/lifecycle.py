"""Birth, confirmation and end of tracks."""

from __future__ import annotations

import numpy as np

from vidtrack.boxes import pairwise_iou
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.matching import first_come
from vidtrack.tracking.state import Detections, Tracks


def births(free: Detections, seen_xyxy: np.ndarray, room: int, config: TrackerConfig) -> Detections:
    """The unmatched detections, best first, that start a track: at most `room`, each sure and in a place of its own.

    `seen_xyxy` (N, 4) are the boxes of the tracks seen in this frame.
    """
    new = free[free.scores >= config.birth_score]
    if len(new) == 0:
        return new
    new = new[np.all(pairwise_iou(new.boxes_xyxy, seen_xyxy) < config.birth_overlap, axis=1)]
    new = new[np.argsort(-new.scores, kind="stable")]
    clash = np.triu(pairwise_iou(new.boxes_xyxy, new.boxes_xyxy) >= config.birth_overlap, k=1)
    return new[np.flatnonzero(first_come(clash))[: max(room, 0)]]


def confirmed(tracks: Tracks, seconds: float, config: TrackerConfig) -> np.ndarray:
    """Rows, in order, of unconfirmed tracks seen now that have earned an id: seen before, or very sure."""
    waiting = (tracks.ids == 0) & (tracks.seen_seconds == seconds)
    return np.flatnonzero(waiting & ((tracks.born_seconds < seconds) | (tracks.scores >= config.confirm_score)))


def alive(tracks: Tracks, seconds: float, config: TrackerConfig) -> np.ndarray:
    """Mask (N,) of the tracks worth remembering: confirmed ones for the patience, others only while seen."""
    unseen = seconds - tracks.seen_seconds
    return unseen <= np.where(tracks.ids > 0, config.patience_seconds + 1e-9, 0.0)
