"""Boxes found elsewhere, for the trackers that ask a detector."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from vidtrack.core.detections import Detections


class DetectionSource(Protocol):
    """What association needs of a `Detector`."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of each class; an empty name is an unused slot."""

    @property
    def num_classes(self) -> int:
        """Number of classes K, unused slots included."""

    def detect(self, memory: Any, size: tuple[int, int], min_score: float, allowed: np.ndarray) -> Detections:
        """Boxes of the `allowed` (K,) classes in a frame of `size` (width, height), with at least `min_score`."""


class GivenDetections:
    """A `DetectionSource` that finds nothing itself: the memory of a frame is its detections."""

    def __init__(self, class_names: tuple[str, ...]) -> None:
        self.class_names = class_names

    @property
    def num_classes(self) -> int:
        return len(self.class_names)

    def detect(self, memory: Detections, size: tuple[int, int], min_score: float, allowed: np.ndarray) -> Detections:
        """The detections of the `allowed` (K,) classes with at least `min_score`, cut off at the edges of the frame."""
        good = np.flatnonzero((memory.scores >= min_score) & allowed[memory.classes])
        return memory[good].clipped(size)
