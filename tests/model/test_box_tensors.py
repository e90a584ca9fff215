from __future__ import annotations

import numpy as np
import torch

from vidtrack.core.boxes import area as array_area
from vidtrack.core.boxes import pairwise_intersection, pairwise_iou
from vidtrack.model.box_tensors import area, intersection, iou


def test_tensors_and_arrays_agree() -> None:
    rng = np.random.default_rng(3)
    start = rng.uniform(0, 40, (12, 2))
    boxes = np.concatenate([start, start + rng.uniform(1, 40, (12, 2))], axis=1)
    tensors = torch.from_numpy(boxes)
    rows, columns = tensors[:, None], tensors[None]
    np.testing.assert_allclose(area(tensors), array_area(boxes))
    np.testing.assert_allclose(intersection(rows, columns), pairwise_intersection(boxes, boxes))
    np.testing.assert_allclose(iou(rows, columns), pairwise_iou(boxes, boxes))


def test_boxes_without_area_overlap_nothing() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [5, 5, 5, 5], [9, 9, 2, 2]])
    assert area(boxes).tolist() == [100, 0, 0]
    assert iou(boxes[:1], boxes[1:]).tolist() == [0, 0]
