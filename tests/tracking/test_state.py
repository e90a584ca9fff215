from __future__ import annotations

import numpy as np

from vidtrack.core.detections import Detections
from vidtrack.tracking.state import Tracks


def test_tracks_move_with_the_camera():
    tracks = Tracks.born(Detections.of(np.array([[10.0, 20, 30, 60]]), np.ones(1)), 1, 0.0)
    tracks.velocity[:] = [[5.0, 1.0, 2.0, 0.0]]
    turn = np.array([[0.0, -2.0, 100.0], [2.0, 0.0, 7.0]])  # a quarter turn at twice the size
    tracks.warp(turn)
    assert tracks.position.tolist() == [[20.0, 47.0, 40.0, 80.0]]
    assert tracks.velocity.tolist() == [[-2.0, 10.0, 4.0, 0.0]]
