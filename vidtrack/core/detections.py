"""Detections, from a network or from elsewhere: of one frame, and of the frames of a clip."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from math import gcd
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vidtrack.core.tables import coco_annotations, from_coco, supervision_detections

if TYPE_CHECKING:
    import supervision


@dataclass(frozen=True)
class Detections:
    """What a detector found in one frame.

    boxes_xyxy (N, 4) pixels; scores (N,) in [0, 1]; classes (N,) ints; embeddings (N, C), C = 0 without any; queries
    (N,) the decoder query behind each, -1 without one.
    """

    boxes_xyxy: np.ndarray
    scores: np.ndarray
    classes: np.ndarray
    embeddings: np.ndarray
    queries: np.ndarray

    @classmethod
    def of(cls, boxes_xyxy: np.ndarray, scores: np.ndarray, classes: np.ndarray | None = None) -> Detections:
        """Boxes from anywhere; `classes` defaults to 0."""
        n = len(boxes_xyxy)
        return cls(
            np.asarray(boxes_xyxy, dtype=np.float64).reshape(n, 4),
            np.asarray(scores, dtype=np.float64),
            np.zeros(n, dtype=np.int64) if classes is None else np.asarray(classes, dtype=np.int64),
            np.zeros((n, 0), dtype=np.float32),
            np.full(n, -1, dtype=np.int64),
        )

    def __post_init__(self) -> None:
        n = len(self.boxes_xyxy)
        if self.boxes_xyxy.shape != (n, 4) or self.scores.shape != (n,) or self.classes.shape != (n,):
            raise ValueError(
                f"detections disagree: boxes {self.boxes_xyxy.shape}, scores {self.scores.shape}, "
                f"classes {self.classes.shape}"
            )

    def __len__(self) -> int:
        return len(self.scores)

    def to_supervision(self, class_names: Sequence[str]) -> supervision.Detections:
        """supervision's Detections, without tracker IDs; raises MissingPackageError."""
        return supervision_detections(self.boxes_xyxy, self.scores, self.classes, None, class_names)

    @classmethod
    def from_supervision(cls, found: supervision.Detections) -> Detections:
        """Of supervision's Detections; a missing score is 1, a missing class 0."""
        scores = np.ones(len(found)) if found.confidence is None else found.confidence
        return cls.of(found.xyxy, scores, found.class_id)

    def to_coco(self, image_id: int) -> list[dict[str, Any]]:
        """COCO results; `category_id` is the class number."""
        return coco_annotations(self.boxes_xyxy, self.scores, self.classes, image_id)

    @classmethod
    def from_coco(cls, rows: Sequence[Mapping[str, Any]]) -> Detections:
        """Of COCO results or annotations of one image; what has no score is certain."""
        return cls.of(*from_coco(rows))

    def __getitem__(self, rows: np.ndarray | slice) -> Detections:
        return Detections(*(getattr(self, field.name)[rows] for field in fields(self)))

    def scaled(self, factors: tuple[float, float]) -> Detections:
        """The boxes in an image that is `factors` times as wide and as high."""
        return replace(self, boxes_xyxy=self.boxes_xyxy * np.tile(factors, 2))

    def clipped(self, size: tuple[int, int]) -> Detections:
        """The boxes cut off at the edges of an image of `size` (width, height); those outside are dropped."""
        boxes = np.clip(self.boxes_xyxy, 0, np.tile(size, 2))
        inside = np.flatnonzero((boxes[:, 2:] > boxes[:, :2]).all(axis=1))
        return replace(self, boxes_xyxy=boxes)[inside]


@dataclass(frozen=True)
class DetectionSequence:
    """The detections of a clip, made elsewhere; `frames` holds those frames that the detector looked at, by ordinal.

    `size` (width, height) and `frames_per_second` are None if the source does not say.
    """

    path: Path
    frames: Mapping[int, Detections]
    class_names: tuple[str, ...]
    size: tuple[int, int] | None = None
    frames_per_second: Fraction | None = None

    @property
    def last_index(self) -> int:
        """Ordinal of the last frame."""
        return max(self.frames)

    @property
    def step(self) -> int:
        """Frames from one that was looked at to the next."""
        known = sorted(self.frames)
        return max(1, gcd(*(later - earlier for earlier, later in itertools.pairwise(known))))
