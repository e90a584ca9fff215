"""Identities from detections alone; no network needed."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np

from vidtrack.core.boxes import pairwise_iou
from vidtrack.core.class_names import kinds_apart
from vidtrack.core.detections import Detections
from vidtrack.core.errors import UsageError
from vidtrack.core.types import Exchange, ObjectState
from vidtrack.tracking import appearance, lifecycle, matching, reidentification
from vidtrack.tracking.appearance import Colours
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.matching import assign, nms
from vidtrack.tracking.state import TrackedBoxes, TrackQueryOutput, Tracks

_MOST_HALF_LIVES = 100  # only proportions of votes count, and all 0 has none


@dataclass(frozen=True)
class AssociatorState:
    """The time of the last frame, the live tracks, and the last id given."""

    seconds: float | None
    tracks: Tracks | None
    last_id: int


class Associator:
    """Links the detections of successive frames into tracks.

    Each stage works on what the previous one left (after ByteTrack, Zhang et al., ECCV 2022): high-score detections to
    confirmed tracks; low-score ones to confirmed tracks; high-score ones to unconfirmed tracks; high-score ones to lost
    tracks near their prediction; carried queries; new tracks.
    """

    def __init__(self, config: TrackerConfig, num_classes: int = 1, kinds: np.ndarray | None = None) -> None:
        """`kinds` (K,) are those of `class_kinds`; without them a track may change from any class to any other."""
        self.config = config
        self.num_classes = num_classes
        self.kinds = np.zeros(num_classes, dtype=np.int64) if kinds is None else kinds
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next frame belongs to another clip."""
        self.seconds: float | None = None
        self.tracks: Tracks | None = None
        self.first_seen = TrackedBoxes.none()  # objects that got their id in the last frame, as seen before it
        self.exchange: Exchange | None = None  # ids that the last frame has shown to be mixed up
        self._last_id = 0
        self._elapsed = 0.0  # seconds between the last two frames

    def end_all(self) -> None:
        """End every track, as the next frame shows another scene; ids continue."""
        self.tracks = None

    def state(self) -> AssociatorState:
        """What `restore` needs; the tracks are a copy, as `step` changes them in place."""
        return AssociatorState(self.seconds, copy.deepcopy(self.tracks), self._last_id)

    def restore(self, state: AssociatorState) -> None:
        """Continue from `state`."""
        self.seconds, self._last_id = state.seconds, state.last_id
        self.tracks = copy.deepcopy(state.tracks)

    def step(self, detections: Detections, seconds: float, image: np.ndarray | None = None) -> TrackedBoxes:
        """Track the detections of the frame at time `seconds`; with its RGB `image`, by their colours too."""
        self.predict(seconds)
        return self.update(detections, image=image)

    def predict(self, seconds: float) -> None:
        """Move every track to where it is expected at time `seconds`; frames must come in order of time."""
        self._elapsed = elapsed = 0.0 if self.seconds is None else seconds - self.seconds
        if elapsed < 0:
            raise UsageError(f"a frame at {seconds:.3f} s after one at {self.seconds:.3f} s", "reset between clips")
        self.seconds = seconds
        if self.tracks is not None:
            self.tracks.predict(elapsed)
            self.tracks.votes *= 0.5 ** min(elapsed / self.config.class_half_life_seconds, _MOST_HALF_LIVES)

    def update(
        self, detections: Detections, carried: TrackQueryOutput | None = None, image: np.ndarray | None = None
    ) -> TrackedBoxes:
        """Link the detections of the frame last predicted; `carried` holds what track queries found in it."""
        if self.seconds is None:
            raise UsageError("update before predict", "call step, or predict first")
        detections = nms(detections[detections.scores >= self.config.low_score], self.config)
        self.exchange = None
        if self.tracks is None:
            self.tracks = Tracks.born(detections[:0], self.num_classes, self.seconds)
        if self.config.appearance_weight == 0:
            image = None
        free = detections[self._link(self.tracks, detections, self.seconds, image)]
        if carried is not None:
            self._continue_by_queries(self.tracks, carried, self.seconds)
        self._manage_tracks(self.tracks, free, self.seconds, image)
        return self._shown(self.tracks, self.seconds)

    def _link(self, tracks: Tracks, detections: Detections, seconds: float, image: np.ndarray | None) -> np.ndarray:
        """Assign detections to tracks, stage by stage. Returns the mask (D,) of those left over."""
        config = self.config
        left = np.ones(len(detections), dtype=bool)
        if len(tracks) == 0 or len(detections) == 0:
            if image is not None:
                reidentification.note_all_hidden(tracks, seconds)
            return left
        unseen = seconds - tracks.seen_seconds
        # One that had been lost for longer in the last frame is brought back by its colours only.
        recent = unseen - self._elapsed <= config.max_age_seconds + 1e-9
        waiting = recent & (unseen > 0)
        known, sure = tracks.ids > 0, detections.scores >= config.high_score
        alike = np.where(recent[:, None], self.similarity(tracks, detections, seconds), -1.0)
        colours = None if image is None else Colours(image, detections.boxes_xyxy)
        alike[kinds_apart(self.kinds[tracks.classes], self.kinds[detections.classes])] = -1.0
        if colours is not None:
            appearance.add_evidence(alike, tracks.colours, colours, config.appearance_weight)
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
            near = np.where(recent[:, None], self.gated_similarity(tracks, detections), -1.0)
            if colours is not None:
                appearance.add_evidence(near, tracks.colours, colours, config.appearance_weight)
            stage(known, sure, near, 0.0)
        rows, columns = (np.concatenate(part) for part in zip(*pairs, strict=True))
        tracks.update(rows, detections[columns], seconds)
        if colours is not None:
            covered = appearance.covered(detections)
            clear = (sure & (covered <= appearance.MAX_COVERED))[columns]
            reidentification.note_contacts(tracks, rows, clear, covered[columns], seconds)
            self._identify(tracks, rows[clear], colours, columns[clear], seconds)
        return left

    def similarity(self, tracks: Tracks, detections: Detections, seconds: float) -> np.ndarray:
        """Similarity (T, D) that ranks matches; a subclass may add evidence such as appearance."""
        return matching.similarity(tracks, detections, seconds, self.config)

    def gated_similarity(self, tracks: Tracks, detections: Detections) -> np.ndarray:
        """Similarity (T, D) of lost tracks with what may be them, -1 for what cannot be."""
        return matching.gated_similarity(tracks, detections, self.config)

    def _identify(
        self, tracks: Tracks, rows: np.ndarray, colours: Colours, columns: np.ndarray, seconds: float
    ) -> None:
        """Compare the colours of the `rows` (N,), seen clearly as detections `columns` (N,), with those known.

        Then remember those that were looked at, or have not been for a while.
        """
        self.exchange = reidentification.exchange(tracks, rows, lambda which: colours.of(columns[which]), seconds)
        stale = seconds - tracks.coloured_seconds[rows] >= appearance.REFRESH_SECONDS - 1e-9
        looked = np.flatnonzero(stale | colours.taken[columns])
        tracks.remember_colours(rows[looked], colours.of(columns[looked]), seconds)
        settled = rows[seconds - tracks.contact_seconds[rows] > reidentification.SETTLE_SECONDS]
        tracks.settled_colours[settled] = tracks.colours[settled]

    def _continue_by_queries(self, tracks: Tracks, carried: TrackQueryOutput, seconds: float) -> None:
        """Let confirmed tracks without a detection follow their queries, unless another track is already there."""
        known = (tracks.ids[carried.rows] > 0) & (tracks.seen_seconds[carried.rows] < seconds)
        seen = tracks.boxes_xyxy[tracks.seen_seconds == seconds]
        taken = pairwise_iou(carried.found.boxes_xyxy, seen) > self.config.new_track_max_iou
        free = np.flatnonzero(known & ~taken.any(axis=1))
        tracks.update(carried.rows[free], carried.found[free], seconds)

    def _manage_tracks(self, tracks: Tracks, free: Detections, seconds: float, image: np.ndarray | None) -> None:
        """End tracks, start tracks from the `free` detections, and give ids to confirmed ones."""
        tracks.keep(lifecycle.alive(tracks, seconds, self.config, image is not None))
        born = lifecycle.births(free, tracks, seconds, self.config, self.kinds)
        if len(born):
            colours = None if image is None else appearance.colour_histograms(image, born.boxes_xyxy)
            tracks.append(Tracks.born(born, self.num_classes, seconds, colours))
        rows = lifecycle.confirmed(tracks, seconds, self.config)
        tracks.ids[rows] = self._last_id + 1 + np.arange(len(rows))
        self._last_id += len(rows)
        rows = rows[tracks.born_seconds[rows] < seconds]
        states = np.full(len(rows), int(ObjectState.DETECTED), dtype=np.int64)
        self.first_seen = TrackedBoxes(
            tracks.ids[rows], tracks.classes[rows], tracks.born_scores[rows], tracks.born_xyxy[rows], states
        )

    def _shown(self, tracks: Tracks, seconds: float) -> TrackedBoxes:
        """The confirmed tracks seen now; the lower a score, the closer its box is to the filter's."""
        rows = np.flatnonzero((tracks.ids > 0) & (tracks.seen_seconds == seconds))
        sure = tracks.scores[rows, None]
        return TrackedBoxes(
            tracks.ids[rows],
            tracks.classes[rows],
            tracks.scores[rows],
            sure * tracks.boxes_xyxy[rows] + (1 - sure) * tracks.predicted_xyxy[rows],
            np.full(len(rows), int(ObjectState.DETECTED), dtype=np.int64),
        )
