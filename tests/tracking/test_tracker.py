"""One way to make every tracker, whatever the detector."""

from __future__ import annotations

import numpy as np

from tests.tracking.boxes import Boxes, shown
from vidtrack.tracking.tracker import make_tracker


def test_association_tracks_the_boxes_of_any_detector() -> None:
    tracker = make_tracker(Boxes())
    assert shown(tracker) == [[(1, 0), (2, 2)]] * 3
    tracker.reset()
    assert shown(tracker, 1) == [[(1, 0), (2, 2)]]
    assert shown(make_tracker(Boxes(), class_filter=np.array([False, True, True])), 1) == [[(1, 2)]]
