"""What association works on and remembers: arrays with one row per object."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from vidtrack.core.boxes import cxcywh_to_xyxy, xyxy_to_cxcywh
from vidtrack.core.detections import Detections
from vidtrack.tracking import appearance, motion
from vidtrack.tracking.motion import Motion


@dataclass(frozen=True)
class TrackQueryOutput:
    """What the queries of live tracks found in this frame: row `rows[i]` of the tracks claims detection i."""

    rows: np.ndarray
    found: Detections

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class TrackedBoxes:
    """The objects shown in one frame, by id; arrays as in `FrameTracks`."""

    ids: np.ndarray
    classes: np.ndarray
    scores: np.ndarray
    boxes_xyxy: np.ndarray
    states: np.ndarray

    @classmethod
    def none(cls) -> TrackedBoxes:
        """No objects."""
        ids = np.zeros(0, dtype=np.int64)
        return cls(ids, ids, np.zeros(0), np.zeros((0, 4)), ids)

    def __len__(self) -> int:
        return len(self.ids)


@dataclass
class Tracks:
    """Everything remembered of the live tracks, N rows; memory is bounded by rows times a constant.

    ids are 0 until confirmed. content (N, C) is the last decoder output.
    """

    ids: np.ndarray  # (N,) int64
    position: np.ndarray  # (N, 4) cxcywh pixels
    velocity: np.ndarray  # (N, 4) pixels a second
    covariance: np.ndarray  # (N, 4, 3), see motion.Motion
    votes: np.ndarray  # (N, K) score sums a class
    scores: np.ndarray  # (N,) of the last sighting
    boxes_xyxy: np.ndarray  # (N, 4) of the last sighting
    born_seconds: np.ndarray  # (N,)
    born_xyxy: np.ndarray  # (N, 4) of the first sighting
    born_scores: np.ndarray  # (N,) of the first sighting
    seen_seconds: np.ndarray  # (N,)
    content: np.ndarray  # (N, C) float32
    queries: np.ndarray  # (N,) int64, the query that found the object first
    colours: np.ndarray  # (N, appearance.LENGTH) float32, zeros if unknown
    coloured_seconds: np.ndarray  # (N,) when they were last taken
    settled_colours: np.ndarray  # (N, appearance.LENGTH) float32, those before the last contact
    contact_seconds: np.ndarray  # (N,) when it was last hidden or covered
    contact_peak: np.ndarray  # (N,) when it was covered most, since it was last clear for a while
    contact_cover: np.ndarray  # (N,) share covered then, in [0, 1]; reidentification.HIDDEN if it was hidden
    compared_seconds: np.ndarray  # (N,) when its colours were last compared with those of others
    suspected_ids: np.ndarray  # (N,) int64, whose colours it last had; 0: its own
    suspected_seconds: np.ndarray  # (N,) when that was

    @classmethod
    def born(cls, found: Detections, num_classes: int, seconds: float, colours: np.ndarray | None = None) -> Tracks:
        """One unconfirmed track per detection, with its `colours` if there is an image."""
        n = len(found)
        begun = motion.start(xyxy_to_cxcywh(found.boxes_xyxy))
        votes = np.zeros((n, num_classes))
        votes[np.arange(n), found.classes] = found.scores
        return cls(
            ids=np.zeros(n, dtype=np.int64),
            position=begun.position,
            velocity=begun.velocity,
            covariance=begun.covariance,
            votes=votes,
            scores=found.scores.astype(np.float64),
            boxes_xyxy=found.boxes_xyxy.astype(np.float64),
            born_seconds=np.full(n, seconds),
            born_xyxy=found.boxes_xyxy.astype(np.float64),
            born_scores=found.scores.astype(np.float64),
            seen_seconds=np.full(n, seconds),
            content=found.embeddings.astype(np.float32),
            queries=found.queries,
            colours=np.zeros((n, appearance.LENGTH), dtype=np.float32) if colours is None else colours,
            coloured_seconds=np.full(n, seconds),
            settled_colours=np.zeros((n, appearance.LENGTH), dtype=np.float32),
            contact_seconds=np.full(n, -np.inf),
            contact_peak=np.full(n, seconds),
            contact_cover=np.zeros(n),
            compared_seconds=np.full(n, -np.inf),
            suspected_ids=np.zeros(n, dtype=np.int64),
            suspected_seconds=np.full(n, -np.inf),
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def motion(self) -> Motion:
        """The Kalman filters of all rows."""
        return Motion(self.position, self.velocity, self.covariance)

    @property
    def classes(self) -> np.ndarray:
        """The class (N,) each track has settled on."""
        return self.votes.argmax(axis=1) if len(self) else np.zeros(0, dtype=np.int64)

    @property
    def predicted_xyxy(self) -> np.ndarray:
        """Boxes (N, 4) that the filters predict for now."""
        return cxcywh_to_xyxy(self.position)

    def predict(self, seconds: float) -> None:
        """Advance every filter by `seconds`."""
        moved = motion.predict(self.motion, seconds)
        self.position, self.velocity, self.covariance = moved.position, moved.velocity, moved.covariance

    def warp(self, matrix: np.ndarray) -> None:
        """Move every row with the camera; the similarity `matrix` (2, 3) takes pixels (x, y, 1) to the next frame."""
        turn, shift = matrix[:, :2], matrix[:, 2]
        zoom = np.hypot(*turn[:, 0])
        for state in (self.position, self.velocity):
            state[:, :2] = state[:, :2] @ turn.T
            state[:, 2:] *= zoom
        self.position[:, :2] += shift
        self.boxes_xyxy = (self.boxes_xyxy.reshape(-1, 2) @ turn.T + shift).reshape(-1, 4)

    def exchange_identities(self, a: int, b: int) -> None:
        """Rows `a` and `b` are each other; both stay where they are."""
        for values in (self.ids, self.votes, self.born_seconds, self.born_xyxy, self.born_scores, self.settled_colours):
            values[[a, b]] = values[[b, a]]

    def keep(self, mask: np.ndarray) -> None:
        """Keep only the rows in `mask` (N,) bool."""
        if not mask.all():
            for field in fields(self):
                setattr(self, field.name, getattr(self, field.name)[mask])

    def append(self, other: Tracks) -> None:
        """Add the rows of `other` after the own ones."""
        for field in fields(self):
            setattr(self, field.name, np.concatenate([getattr(self, field.name), getattr(other, field.name)]))

    def update(self, rows: np.ndarray, found: Detections, seconds: float) -> None:
        """Row `rows[i]` was seen as detection i at time `seconds`."""
        if len(rows) == 0:
            return
        before = Motion(self.position[rows], self.velocity[rows], self.covariance[rows])
        after = motion.correct(before, xyxy_to_cxcywh(found.boxes_xyxy))
        self.position[rows], self.velocity[rows], self.covariance[rows] = (
            after.position,
            after.velocity,
            after.covariance,
        )
        self.votes[rows, found.classes] += found.scores
        self.scores[rows] = found.scores
        self.boxes_xyxy[rows] = found.boxes_xyxy
        self.seen_seconds[rows] = seconds
        if self.content.shape[1]:
            self.content[rows] = found.embeddings

    def remember_colours(self, rows: np.ndarray, found: np.ndarray, seconds: float) -> None:
        """Row `rows[i]` had the colours `found[i]` (LENGTH,) at time `seconds`."""
        elapsed = seconds - self.coloured_seconds[rows]
        self.colours[rows] = appearance.remembered(self.colours[rows], found, elapsed)
        self.coloured_seconds[rows] = seconds
