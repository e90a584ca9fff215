from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.model.outputs import output
from vidtrack.model.outputs import FrameOutput


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
