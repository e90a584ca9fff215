"""Birth, confirmation and end of tracks."""

from __future__ import annotations

import numpy as np

from vidtrack.boxes import pairwise_iou
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.state import Detections, Tracks


def births(free: Detections, seen_xyxy: np.ndarray, room: int, config: TrackerConfig) -> Detections:
    """The unmatched detections that start a track: sure enough, not on a track seen in this frame, best `room`."""
    sure = free.scores >= config.birth_score
    if sure.any() and len(seen_xyxy):
        sure &= (pairwise_iou(free.boxes_xyxy, seen_xyxy) < config.birth_overlap).all(axis=1)
    chosen = np.flatnonzero(sure)
    if len(chosen) > room:
        chosen = np.sort(chosen[np.argsort(-free.scores[chosen], kind="stable")[: max(room, 0)]])
    return free[chosen]


def confirmed(tracks: Tracks, seconds: float, config: TrackerConfig) -> np.ndarray:
    """Rows, in order, of unconfirmed tracks seen now that have earned an id: seen before, or very sure."""
    waiting = (tracks.ids == 0) & (tracks.seen_seconds == seconds)
    return np.flatnonzero(waiting & ((tracks.born_seconds < seconds) | (tracks.scores >= config.confirm_score)))


def alive(tracks: Tracks, seconds: float, config: TrackerConfig) -> np.ndarray:
    """Mask (N,) of the tracks worth remembering: confirmed ones for the patience, others only while seen."""
    unseen = seconds - tracks.seen_seconds
    return unseen <= np.where(tracks.ids > 0, config.patience_seconds + 1e-9, 0.0)
