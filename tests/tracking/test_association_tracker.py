from __future__ import annotations

import numpy as np

from tests.tracking.boxes import Boxes, frame, shown
from vidtrack.core.detections import Detections
from vidtrack.core.state_io import pack, unpack
from vidtrack.tracking.tracker import make_tracker


def test_a_tracker_continues_from_a_saved_state() -> None:
    first, second = make_tracker(Boxes()), make_tracker(Boxes())
    shown(first, 1)
    state = first.state()
    boxes = Detections.of(np.array([[40, 20, 60, 30]]), np.array([0.95]), np.array([2]))
    after = first.step(boxes, frame(1))  # the state is that before this frame
    second.restore(unpack(pack({"tracker": state}))["tracker"])
    again = second.step(boxes, frame(1))
    assert again.ids.tolist() == after.ids.tolist() == [2]
    assert again.boxes_xyxy.tobytes() == after.boxes_xyxy.tobytes()
