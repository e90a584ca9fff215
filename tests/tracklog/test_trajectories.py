from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.render.scenes import log_in_memory
from vidtrack.core.types import ObjectState
from vidtrack.tracklog.trajectories import bridged, continuous_trajectories, trajectories_of, with_trajectories

BOXES = {1: {0: (0, 0, 10, 10), 1: (10, 0, 20, 10), 4: (40, 0, 50, 10)}, 2: {2: (5, 5, 9, 9)}}


def test_objects_are_as_logged_in_order_of_id(tmp_path: Path) -> None:
    first, second = trajectories_of(log_in_memory(tmp_path, BOXES, 6))
    assert (first.identity, first.cls, first.rows.tolist()) == (1, 0, [0, 1, 4])
    assert (first.first_row, first.last_row) == (0, 4)
    assert (second.identity, second.cls, second.rows.tolist()) == (2, 1, [2])
    assert first.detected.all() and first.boxes_xyxy[:, 0].tolist() == [0, 10, 40]


def test_gaps_are_interpolated_marked_and_score_as_their_weaker_end(tmp_path: Path) -> None:
    (first, _) = continuous_trajectories(log_in_memory(tmp_path, BOXES, 6, unsure=(4,)))
    assert first.rows.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(first.boxes_xyxy[:, 0], [0, 10, 20, 30, 40], atol=1e-5)
    assert first.states.tolist() == [ObjectState.DETECTED] * 2 + [ObjectState.INTERPOLATED] * 2 + [ObjectState.DETECTED]
    np.testing.assert_allclose(first.scores, [0.8, 0.8, 0.1, 0.1, 0.1], atol=1e-6)


def test_nothing_is_interpolated_across_a_cut(tmp_path: Path) -> None:
    (first, _) = continuous_trajectories(log_in_memory(tmp_path, BOXES, 6, cuts=(3,)))
    np.testing.assert_allclose(first.boxes_xyxy[:, 0], [0, 10, 10, 40, 40], atol=1e-5)


def test_only_short_steps_between_overlapping_detections_are_bridged(tmp_path: Path) -> None:
    near, far = (0, 0, 40, 40), (100, 0, 140, 40)
    boxes = {1: {0: near, 3: near, 9: near}, 2: {0: near, 3: far}}  # 0.12 s and 0.24 s apart
    log = log_in_memory(tmp_path, boxes, 10)
    first, second = continuous_trajectories(log)
    assert np.flatnonzero(bridged(first, log.frame_seconds[first.rows])).tolist() == [1, 2]
    assert not bridged(second, log.frame_seconds[second.rows]).any()


def test_a_log_takes_the_objects_of_its_trajectories(tmp_path: Path) -> None:
    log = log_in_memory(tmp_path, BOXES, 6)
    filled = with_trajectories(log, continuous_trajectories(log))
    assert [frame.ids.tolist() for frame in filled] == [[1], [1], [1, 2], [1], [1], []]
    assert len(with_trajectories(log, []).ids) == 0
