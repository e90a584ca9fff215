"""The detector as the rest of vidtrack sees it."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from vidtrack.core.detections import Detections


class Detector(Protocol):
    """Finds objects in frames that were encoded ahead; association tracks the detections of any such detector."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of each class; an empty name is an unused slot."""

    @property
    def num_classes(self) -> int:
        """Number of classes K, unused slots included."""

    def detect(self, memory: Any, size: tuple[int, int], min_score: float, allowed: np.ndarray) -> Detections:
        """Boxes of the `allowed` (K,) classes in a frame of `size` (width, height), with at least `min_score`.

        `memory` is whatever the detector's encoder made of the frame.
        """
