"""Identities from detections alone: numpy and `lap`, no network needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vidtrack.core.boxes import pairwise_iou
from vidtrack.core.errors import UsageError
from vidtrack.core.types import ObjectState
from vidtrack.tracking import lifecycle
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.matching import assign, gated_similarity, similarity, suppress
from vidtrack.tracking.state import Detections, TrackedBoxes, TrackQueryOutput, Tracks


class Associator:
    """Links the detections of successive frames into tracks.

    Stages, each on what the one before left over (after ByteTrack, Zhang et al., ECCV 2022): sure detections to
    confirmed tracks; unsure ones to confirmed tracks; sure ones to unconfirmed tracks; sure ones to lost tracks about
    where motion expects them; carried queries; births.
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

    def end_all(self) -> None:
        """End every track: the next frame shows another scene. Ids go on counting."""
        self.tracks = None

    def state(self) -> dict[str, Any]:
        """What is remembered, for `restore`."""
        tracks = None if self.tracks is None else self.tracks.columns()
        return {"seconds": self.seconds, "tracks": tracks, "last_id": self._last_id}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was taken."""
        tracks = state["tracks"]
        self.seconds, self._last_id = state["seconds"], state["last_id"]
        self.tracks = None if tracks is None else Tracks(**tracks)

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

    def update(self, detections: Detections, carried: TrackQueryOutput | None = None) -> TrackedBoxes:
        """Link the detections of the frame last predicted; `carried` holds what live queries found in it."""
        if self.seconds is None:
            raise UsageError("update before predict", "call step, or predict first")
        detections = suppress(detections[detections.scores >= self.config.low_score], self.config)
        if self.tracks is None:
            self.tracks = Tracks.born(detections[:0], self.num_classes, self.seconds)
        free = detections[self._link(self.tracks, detections, self.seconds)]
        if carried is not None:
            self._rescue(self.tracks, carried, self.seconds)
        self._manage_tracks(self.tracks, free, self.seconds)
        return self._shown(self.tracks, self.seconds)

    def _link(self, tracks: Tracks, detections: Detections, seconds: float) -> np.ndarray:
        """Give detections to tracks, stage by stage. Returns the mask (D,) of those left over."""
        config = self.config
        left = np.ones(len(detections), dtype=bool)
        if len(tracks) == 0 or len(detections) == 0:
            return left
        waiting = tracks.seen_seconds < seconds
        known, sure = tracks.ids > 0, detections.scores >= config.high_score
        alike = similarity(tracks, detections, seconds, config)
        pairs: list[tuple[np.ndarray, np.ndarray]] = []

        def stage(who: np.ndarray, what: np.ndarray, scores: np.ndarray, floor: float) -> None:
            rows, columns = np.flatnonzero(who & waiting), np.flatnonzero(what & left)
            r, c = assign(scores[rows[:, None], columns], floor)
            rows, columns = rows[r], columns[c]
            waiting[rows], left[columns] = False, False
            pairs.append((rows, columns))

        stage(known, sure, alike, config.match_iou)
        stage(known, ~sure, alike, config.second_match_iou)
        stage(~known, sure, alike, config.tentative_iou)
        if (known & waiting).any() and (sure & left).any():
            stage(known, sure, gated_similarity(tracks, detections, config), 0.0)
        rows, columns = (np.concatenate(part) for part in zip(*pairs, strict=True))
        tracks.see(rows, detections[columns], seconds)
        return left

    def _rescue(self, tracks: Tracks, carried: TrackQueryOutput, seconds: float) -> None:
        """Let confirmed tracks without a detection follow their queries, but not onto a track that has one."""
        known = (tracks.ids[carried.rows] > 0) & (tracks.seen_seconds[carried.rows] < seconds)
        seen = tracks.boxes_xyxy[tracks.seen_seconds == seconds]
        taken = pairwise_iou(carried.found.boxes_xyxy, seen) > self.config.birth_overlap
        free = np.flatnonzero(known & ~taken.any(axis=1))
        tracks.see(carried.rows[free], carried.found[free], seconds)

    def _manage_tracks(self, tracks: Tracks, free: Detections, seconds: float) -> None:
        """End tracks, start tracks from the `free` detections, give ids to those that earned one."""
        tracks.keep(lifecycle.alive(tracks, seconds, self.config))
        born = lifecycle.births(free, tracks, seconds, self.config)
        if len(born):
            tracks.append(Tracks.born(born, self.num_classes, seconds))
        rows = lifecycle.confirmed(tracks, seconds, self.config)
        tracks.ids[rows] = self._last_id + 1 + np.arange(len(rows))
        self._last_id += len(rows)

    def _shown(self, tracks: Tracks, seconds: float) -> TrackedBoxes:
        """The confirmed tracks seen now; the less sure a detection is, the nearer a box lies to the filter's."""
        rows = np.flatnonzero((tracks.ids > 0) & (tracks.seen_seconds == seconds))
        sure = tracks.scores[rows, None]
        return TrackedBoxes(
            tracks.ids[rows],
            tracks.classes[rows],
            tracks.scores[rows],
            sure * tracks.boxes_xyxy[rows] + (1 - sure) * tracks.predicted_xyxy[rows],
            np.full(len(rows), int(ObjectState.DETECTED), dtype=np.int64),
        )
