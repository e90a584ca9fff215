"""Tracks whose queries are carried from frame to frame."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tracking.boxes import Boxes
from vidtrack.core.detections import Detections
from vidtrack.core.errors import UsageError
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.propagation_tracker import QueryAssociator
from vidtrack.tracking.state import TrackQueryOutput
from vidtrack.tracking.tracker import make_tracker


def test_propagation_needs_a_model_that_carries_queries() -> None:
    with pytest.raises(UsageError, match="this model cannot carry queries"):
        make_tracker(Boxes(), TrackerConfig(mode="propagation"))


@pytest.mark.parametrize("claimed", [[0, 1], [1, 0]])
def test_queries_decide_what_motion_leaves_open(claimed: list[int]) -> None:
    associator = QueryAssociator(TrackerConfig(confirm_score=0.0, nms_iou=0.95))
    left_and_right = np.array([[0.0, 0, 40, 80], [20, 0, 60, 80]])
    assert associator.step(Detections.of(left_and_right, np.full(2, 0.9)), 0.0).ids.tolist() == [1, 2]
    associator.predict(0.1)
    in_the_middle = np.array([[10.0, 0, 50, 80], [5, 0, 55, 80]])
    claims = Detections.of(in_the_middle[claimed], np.full(2, 0.6))
    associator.carried = TrackQueryOutput(np.array([0, 1]), claims)
    shown = associator.update(Detections.of(in_the_middle, np.array([0.9, 0.89])))
    widths = shown.boxes_xyxy[:, 2] - shown.boxes_xyxy[:, 0]
    assert np.argsort(widths[np.argsort(shown.ids)]).tolist() == claimed
