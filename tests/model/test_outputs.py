from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.model.outputs import output
from vidtrack.core.boxes import pairwise_iou
from vidtrack.model.outputs import FrameOutput, decay_doubles


def test_frame_output_in_pixels_with_classes_filtered():
    found = FrameOutput(
        output([[4.0, 3, 9], [-5, 2, 9]], [[0.5, 0.5, 0.5, 0.5], [0.0, 0.5, 0.2, 0.2]]),
        (100, 200),
        np.array([True, True, False]),
    ).detections(0, 0.5)
    assert found.classes.tolist() == [0, 1]
    assert found.scores == pytest.approx(torch.sigmoid(torch.tensor([4.0, 2.0])).tolist())
    np.testing.assert_allclose(found.boxes_xyxy, [[25, 50, 75, 150], [0, 80, 10, 120]], atol=1e-4)
    assert found.queries.tolist() == [0, 1]
    assert found.embeddings.tolist() == [[0, 1], [2, 3]]


def test_object_queries_are_numbered_without_the_carried_ones():
    found = FrameOutput(output([[3.0], [-9], [3]], [[0.5] * 4] * 3), (10, 10), np.array([True])).detections(1, 0.5)
    assert found.queries.tolist() == [1]


def matrix_nms(scores: np.ndarray, boxes: np.ndarray, sigma: float) -> np.ndarray:
    """Scores (N,) of boxes (N, 4) of one class, falling, by the paper's loops."""
    iou = pairwise_iou(boxes, boxes)
    kept = scores.copy()
    for j in range(1, len(scores)):
        decays = []
        for i in range(j):
            most = max((iou[k, i] for k in range(i)), default=0.0)
            decays.append(np.exp(-(iou[i, j] ** 2) / sigma) / np.exp(-(most**2) / sigma))
        kept[j] = scores[j] * min(1.0, *decays)
    return kept


def test_doubles_lose_score_as_in_matrix_nms_and_only_within_their_class() -> None:
    rng = np.random.default_rng(4)
    start = rng.uniform(0, 40, (30, 2))
    boxes = np.concatenate([start, start + rng.uniform(10, 40, (30, 2))], axis=1)
    best, label = np.sort(rng.random(30))[::-1], rng.integers(2, size=30)
    scores = np.full((30, 2), 0.01)
    scores[np.arange(30), label] = best + 0.02
    found = decay_doubles(torch.from_numpy(scores)[None], torch.from_numpy(boxes)[None], 0.5)[0].numpy()
    for one in (0, 1):
        expected = matrix_nms(scores[label == one, one], boxes[label == one], 0.5)
        np.testing.assert_allclose(found[label == one, one], expected)
    assert (found <= scores).all() and found[0, label[0]] == scores[0, label[0]]


def test_boxes_apart_and_equal_scores_keep_their_score() -> None:
    scores = torch.tensor([[[0.9], [0.5], [0.4], [0.4]]])
    boxes = torch.tensor([[[0.0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10], [40, 0, 50, 10]]])
    torch.testing.assert_close(decay_doubles(scores, boxes, 0.5), scores)


def test_a_frame_loses_the_second_box_on_an_object() -> None:
    boxes = [[0.5, 0.5, 0.4, 0.4], [0.5, 0.5, 0.4, 0.4], [0.2, 0.2, 0.1, 0.1]]
    frame = FrameOutput(output([[3.0], [0.5], [0.5]], boxes), (100, 100), np.array([True]))
    assert frame.detections(0, 0.5).queries.tolist() == [0, 1, 2]
    assert frame.detections(0, 0.5, sigma=0.5).queries.tolist() == [0, 2]
    assert frame.detections(1, 0.5, sigma=0.5).queries.tolist() == [0, 1]  # the carried query's box is not a rival
