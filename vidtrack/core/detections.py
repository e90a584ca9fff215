"""Detections of one frame, from a network or from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np


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

    def __getitem__(self, rows: np.ndarray | slice) -> Detections:
        return Detections(*(getattr(self, field.name)[rows] for field in fields(self)))
