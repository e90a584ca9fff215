"""Assignment, NMS and the acceptance of track queries, against slow references."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from vidtrack.core.boxes import pairwise_iou
from vidtrack.core.detections import Detections
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.matching import accept_track_queries, assign, gated_similarity, nms, paired_iou, similarity
from vidtrack.tracking.state import Tracks


def total(similarities: np.ndarray, floor: float) -> float:
    """The largest sum over one-to-one pairs of what each is above the floor, by trying them all."""
    rows, columns = similarities.shape
    if rows > columns:
        return total(similarities.T, floor)
    gain = np.maximum(similarities - floor, 0)
    return max(sum(gain[i, j] for i, j in enumerate(order)) for order in permutations(range(columns), rows))


@pytest.mark.parametrize("shape", [(1, 1), (2, 5), (4, 4), (5, 3)])
def test_assign_is_the_best_there_is(shape):
    rng = np.random.default_rng(sum(shape))
    for _ in range(20):
        similarities = rng.random(shape)
        rows, columns = assign(similarities, 0.4)
        assert len(set(rows)) == len(rows) and len(set(columns)) == len(columns)
        assert (similarities[rows, columns] >= 0.4).all()
        assert (similarities[rows, columns] - 0.4).sum() == pytest.approx(total(similarities, 0.4))


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_assign_nothing(shape):
    rows, columns = assign(np.zeros(shape), 0.1)
    assert len(rows) == len(columns) == 0


def test_paired_iou_is_the_diagonal():
    rng = np.random.default_rng(0)
    low = rng.random((2, 9, 2))
    a, b = (np.concatenate([one, one + rng.random((9, 2))], axis=1) for one in low)
    assert paired_iou(a, b) == pytest.approx(np.diag(pairwise_iou(a, b)))


def test_similarity_prefers_the_box_as_tall_as_the_track():
    """Both boxes overlap the track's by two thirds, one with its height."""
    track = Tracks.born(Detections.of(np.array([[0.0, 0.0, 60.0, 60.0]]), np.ones(1)), 1, 0.0)
    found = Detections.of(np.array([[0.0, 0.0, 90.0, 60.0], [0.0, 0.0, 60.0, 90.0]]), np.ones(2))
    assert pairwise_iou(track.boxes_xyxy, found.boxes_xyxy)[0] == pytest.approx([2 / 3, 2 / 3])
    assert similarity(track, found, 0.0, TrackerConfig())[0] == pytest.approx([2 / 3, 4 / 9])


def test_suppress_keeps_the_best_of_each_object():
    boxes = np.array([[0, 0, 10, 10], [0.5, 0, 10.5, 10], [1, 0, 11, 10], [50, 0, 60, 10]])
    found = Detections.of(boxes, np.array([0.5, 0.9, 0.6, 0.4]))
    kept = nms(found, TrackerConfig(nms_iou=0.75))
    assert kept.scores.tolist() == [0.9, 0.4]


def test_suppress_is_slower_to_merge_classes():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10]], dtype=float)  # IoU 0.82
    found = Detections.of(boxes, np.array([0.9, 0.8]), np.array([0, 1]))
    assert len(nms(found, TrackerConfig(nms_iou=0.75, cross_class_nms_iou=0.9))) == 2
    assert len(nms(found, TrackerConfig(nms_iou=0.75, cross_class_nms_iou=0.8))) == 1


def test_a_detection_suppressed_by_one_does_not_suppress_another():
    boxes = np.array([[0, 0, 10, 10], [1.2, 0, 11.2, 10], [2.4, 0, 12.4, 10]])  # neighbours 0.79, ends 0.61
    found = Detections.of(boxes, np.array([0.9, 0.8, 0.7]))
    assert nms(found, TrackerConfig(nms_iou=0.75)).scores.tolist() == [0.9, 0.7]


def tracks_at(boxes: np.ndarray, num_classes: int = 1, classes: list[int] | None = None) -> Tracks:
    return Tracks.born(Detections.of(boxes, np.full(len(boxes), 0.9), classes), num_classes, 0.0)


def test_similarity_prefers_the_class():
    box = np.array([[0.0, 0, 10, 10]])
    tracks = tracks_at(box, 2, [1])
    twins = Detections.of(np.repeat(box, 2, axis=0), np.ones(2), np.array([0, 1]))
    config = TrackerConfig(class_penalty=0.3)
    assert similarity(tracks, twins, 0.0, config)[0].tolist() == pytest.approx([0.7, 1.0])


def test_similarity_prefers_who_was_just_there():
    tracks = tracks_at(np.array([[0.0, 0, 10, 10]] * 2))
    tracks.seen_seconds[:] = [0.0, 0.9]
    here = Detections.of(np.array([[0.0, 0, 10, 10]]), np.ones(1))
    config = TrackerConfig(absence_penalty=0.2)
    assert similarity(tracks, here, 1.0, config)[:, 0].tolist() == pytest.approx([0.8, 0.98])


def test_nearness_needs_place_class_and_size():
    tracks = tracks_at(np.array([[0.0, 0, 10, 10]]), 2, [1])
    tracks.predict(1.0)
    boxes = np.array([[0, 0, 10, 10], [8, 0, 18, 10], [40, 0, 50, 10], [0, 0, 10, 10], [3, 0, 7, 10.0]])
    found = Detections.of(boxes, np.ones(5), np.array([1, 1, 1, 0, 1]))
    near = gated_similarity(tracks, found, TrackerConfig())[0]
    assert near[0] == pytest.approx(1.0) and 0 < near[1] < 1
    assert near[2:].tolist() == [-1, -1, -1]  # too far, another class, less than half as wide


def test_track_queries_need_score_place_and_room():
    boxes = np.array([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10], [43, 0, 53, 10.0]])
    found = Detections.of(
        np.array([[0, 0, 10, 10], [27, 0, 37, 10], [40, 0, 50, 10], [40, 0, 50, 10.0]]), np.array([0.2, 0.9, 0.9, 0.9])
    )
    # The first is unsure, the second wandered off, the fourth sits on the third's object.
    assert accept_track_queries(boxes, found, TrackerConfig(track_query_score=0.4)).tolist() == [2]
