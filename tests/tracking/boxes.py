"""A detector whose encoder has found everything already."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from vidtrack.core.detections import Detections
from vidtrack.core.types import Frame
from vidtrack.tracking.tracker import Tracker


class Boxes:
    """A detector whose encoder has found everything already."""

    class_names = ("person", "", "car")
    num_classes = 3
    default_tracker = "association"

    def detect(self, memory: Detections, size: tuple[int, int], min_score: float, allowed: np.ndarray) -> Detections:
        return memory[(memory.scores >= min_score) & allowed[memory.classes]]


def frame(index: int) -> Frame:
    return Frame(index, index, Fraction(1, 10), np.zeros((60, 80, 3), np.uint8))


def shown(tracker: Tracker, frames: int = 3) -> list[list[tuple[int, int]]]:
    """Ids and classes per frame of a person and a car that stand still, and of a box in the unused slot."""
    boxes = np.array([[10, 10, 20, 40], [40, 20, 60, 30], [60, 40, 70, 50]], float)
    found = Detections.of(boxes, np.full(3, 0.95), np.array([0, 2, 1]))
    steps = [tracker.step(found, frame(index)) for index in range(frames)]
    return [list(zip(one.ids.tolist(), one.classes.tolist(), strict=True)) for one in steps]
