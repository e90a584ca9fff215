from __future__ import annotations

import numpy as np

from vidtrack.core.detections import Detections
from vidtrack.tracking.given_detections import GivenDetections


def test_given_detections_are_filtered_by_score_and_class_and_cut_off_at_the_frame() -> None:
    boxes = np.array([[10, 10, 50, 90], [-5, 20, 30, 70], [10, 10, 20, 20], [0, 0, 9, 9]])
    given = Detections.of(boxes, np.array([0.8, 0.5, 0.9, 0.1]), np.array([0, 1, 2, 0]))
    source = GivenDetections(("person", "car", "dog"))
    assert source.num_classes == 3
    found = source.detect(given, (40, 60), 0.3, np.array([True, True, False]))
    assert found.boxes_xyxy.tolist() == [[10, 10, 40, 60], [0, 20, 30, 60]]
    assert found.classes.tolist() == [0, 1] and found.scores.tolist() == [0.8, 0.5]
