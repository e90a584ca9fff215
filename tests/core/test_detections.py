from __future__ import annotations

import numpy as np
import pytest

from vidtrack.core.detections import Detections


def test_boxes_from_anywhere_become_detections() -> None:
    found = Detections.of(np.array([[0, 0, 4, 2], [1, 1, 2, 2]], np.float32), np.array([0.5, 0.25]))
    assert len(found) == 2 and found.classes.tolist() == [0, 0] and found.queries.tolist() == [-1, -1]
    assert found.boxes_xyxy.dtype == np.float64 and found.embeddings.shape == (2, 0)


def test_rows_are_chosen_in_all_columns() -> None:
    found = Detections.of(np.arange(12.0).reshape(3, 4), np.array([0.1, 0.2, 0.3]), np.array([7, 8, 9]))
    chosen = found[np.array([2, 0])]
    assert chosen.classes.tolist() == [9, 7] and chosen.scores.tolist() == [0.3, 0.1]
    assert chosen.boxes_xyxy.tolist() == [[8, 9, 10, 11], [0, 1, 2, 3]]


def test_none_is_a_valid_number_of_detections() -> None:
    assert len(Detections.of(np.zeros((0, 4)), np.zeros(0))) == 0


def test_columns_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="detections disagree"):
        Detections.of(np.zeros((2, 4)), np.zeros(3))
