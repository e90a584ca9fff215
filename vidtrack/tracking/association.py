"""Identities from detections alone: numpy and `lap`, no network needed."""

from __future__ import annotations

import numpy as np

from vidtrack.boxes import pairwise_iou
from vidtrack.errors import UsageError
from vidtrack.tracking import lifecycle
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.matching import assign, cosine, similarity, suppress
from vidtrack.tracking.state import Carried, Detections, TrackedBoxes, Tracks
from vidtrack.types import ObjectState


class Associator:
    """Links the detections of successive frames into tracks.

    Stages, each on what the one before left over (after ByteTrack, Zhang et al., ECCV 2022): carried queries;
    sure detections to confirmed tracks; unsure detections to tracks seen a moment ago; sure detections to
    unconfirmed tracks; sure detections to tracks lost for longer, by embedding; births.
    """

    def __init__(self, config: TrackerConfig, num_classes: int = 1) -> None:
        self.config = config
        self.num_classes = num_classes
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next frame belongs to another clip."""
        self.seconds: float | None = None
        self.tracks: Tracks | None = None
        self._last_id = 0

    def step(self, detections: Detections, seconds: float) -> TrackedBoxes:
        """Track the detections of the frame at time `seconds`."""
        self.predict(seconds)
        return self.update(detections)

    def predict(self, seconds: float) -> None:
        """Move every track to where it is expected at time `seconds`; frames must come in order of time."""
        elapsed = 0.0 if self.seconds is None else seconds - self.seconds
        if elapsed < 0:
            raise UsageError(f"a frame at {seconds:.3f} s after one at {self.seconds:.3f} s", "reset between clips")
        self.seconds = seconds
        if self.tracks is not None:
            self.tracks.move(elapsed)
            self.tracks.votes *= 0.5 ** (elapsed / self.config.class_half_life_seconds)

    def update(self, detections: Detections, carried: Carried | None = None) -> TrackedBoxes:
        """Link the detections of the frame last predicted; `carried` holds what live queries found in it."""
        if self.seconds is None:
            raise UsageError("update before predict", "call step, or predict first")
        detections = suppress(detections[detections.scores >= self.config.low_score], self.config)
        if self.tracks is None:
            self.tracks = Tracks.born(detections[:0], self.num_classes, self.seconds)
        if carried is not None:
            detections = self._claim(self.tracks, carried, detections)
        free = detections[self._link(self.tracks, detections)]
        return self._live_and_die(self.tracks, free)

    def _claim(self, tracks: Tracks, carried: Carried, detections: Detections) -> Detections:
        """Follow the carried queries; each takes the detection it shares with the object queries out of play."""
        tracks.see(carried.rows, carried.found, self._now, self.config.embedding_memory)
        same = pairwise_iou(carried.found.boxes_xyxy, detections.boxes_xyxy)
        _, taken = assign(same, self.config.match_iou)
        left = (same <= self.config.duplicate_iou).all(axis=0)
        left[taken] = False
        return detections[left]

    def _link(self, tracks: Tracks, detections: Detections) -> np.ndarray:
        """Give detections to tracks, stage by stage. Returns the mask of those left over."""
        config, seconds = self.config, self._now
        left = np.ones(len(detections), dtype=bool)
        if len(tracks) == 0 or len(detections) == 0:
            return left
        alike = similarity(tracks, detections, config)
        unseen = seconds - tracks.seen_seconds
        known = tracks.ids > 0
        sure = detections.scores >= config.high_score
        waiting = tracks.seen_seconds < seconds

        def stage(who: np.ndarray, what: np.ndarray, scores: np.ndarray, floor: float) -> None:
            rows, columns = np.flatnonzero(who & waiting), np.flatnonzero(what & left)
            r, c = assign(scores[np.ix_(rows, columns)], floor)
            rows, columns = rows[r], columns[c]
            waiting[rows], left[columns] = False, False
            tracks.see(rows, detections[columns], seconds, config.embedding_memory)

        stage(known & (unseen <= config.patience_seconds), sure, alike, config.match_iou)
        stage(known & (unseen <= config.second_chance_seconds), ~sure, alike, config.second_chance_iou)
        stage(~known, sure, alike, config.tentative_iou)
        if tracks.embeddings.shape[1]:
            stage(known, sure, self._reunion(tracks, detections, unseen), config.reid_cosine)
        return left

    def _reunion(self, tracks: Tracks, detections: Detections, unseen: np.ndarray) -> np.ndarray:
        """Cosine (T, D) of embeddings, 0 where the class differs or the object could not have come so far."""
        low, high = detections.boxes_xyxy[:, :2], detections.boxes_xyxy[:, 2:]
        offset = (low + high)[None] / 2 - tracks.position[:, None, :2]
        side = np.sqrt(np.maximum(tracks.position[:, 2] * tracks.position[:, 3], 1.0))
        reach = self.config.reid_reach * side * np.maximum(unseen, 0.2)
        near = np.hypot(offset[..., 0], offset[..., 1]) <= reach[:, None]
        same_class = tracks.classes[:, None] == detections.classes[None, :]
        return np.where(near & same_class, cosine(tracks, detections), 0.0)

    def _live_and_die(self, tracks: Tracks, free: Detections) -> TrackedBoxes:
        config, seconds = self.config, self._now
        tracks.keep(lifecycle.alive(tracks, seconds, config))
        seen = tracks.boxes_xyxy[tracks.seen_seconds == seconds]
        born = lifecycle.births(free, seen, config.max_tracks - len(tracks), config)
        if len(born):
            tracks.append(Tracks.born(born, self.num_classes, seconds))
        rows = lifecycle.confirmed(tracks, seconds, config)
        tracks.ids[rows] = self._last_id + 1 + np.arange(len(rows))
        self._last_id += len(rows)
        shown = np.flatnonzero((tracks.ids > 0) & (tracks.seen_seconds == seconds))
        return TrackedBoxes(
            tracks.ids[shown],
            tracks.votes[shown].argmax(axis=1),
            tracks.scores[shown],
            tracks.boxes_xyxy[shown],
            np.full(len(shown), int(ObjectState.DETECTED), dtype=np.int64),
        )

    @property
    def _now(self) -> float:
        assert self.seconds is not None
        return self.seconds
