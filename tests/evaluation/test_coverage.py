"""Who covers whom, frame by frame, agrees with the scores."""

from __future__ import annotations

import numpy as np
import pytest

from tests.evaluation.test_metrics import HERE, THERE, rows, still
from vidtrack.evaluation.coverage import NOBODY, cover
from vidtrack.evaluation.metrics import align, score


def test_a_switch_after_a_gap_is_marked_where_the_new_id_comes() -> None:
    truth = rows(*still(1, range(1, 9)), *still(2, range(3, 5), THERE))
    result = rows(*still(5, range(1, 4)), *still(6, range(6, 9)), *still(7, range(8, 9), THERE))
    found = cover(align(truth, result))
    first = found.truth_ids == 1
    assert found.covered_by[first].tolist() == [5, 5, 5, NOBODY, NOBODY, 6, 6, 6]
    assert found.frames[found.switched].tolist() == [6]
    assert found.instead_of[found.switched].tolist() == [5]
    assert (found.covered_by[~first] == NOBODY).all()
    assert found.false_boxes.tolist() == [0] * 7 + [1]


def test_a_match_goes_on_although_another_result_fits_better() -> None:
    truth = rows(*still(1, range(1, 4)))
    result = rows(*still(5, range(1, 4), [1.0, 0, 11, 10]), *still(6, range(2, 4), HERE))
    found = cover(align(truth, result))
    assert found.covered_by.tolist() == [5, 5, 5]
    assert not found.switched.any()


def test_an_id_that_comes_back_is_no_switch() -> None:
    found = cover(align(rows(*still(1, range(1, 9))), rows(*still(5, range(1, 3)), *still(5, range(6, 9)))))
    assert not found.switched.any()


def test_nothing_at_all() -> None:
    found = cover(align(rows(*still(1, range(2, 4))), rows(), frames=6))
    assert found.length == 6 and found.covered_by.tolist() == [NOBODY] * 2


@pytest.mark.parametrize("seed", range(6))
def test_counts_are_those_of_the_scores(seed: int) -> None:
    """Objects that wander, with results that swap, drop out and jitter."""
    rng = np.random.default_rng(seed)
    truth, result = [], []
    place = rng.uniform(0, 60, (6, 2))
    for frame in range(1, 80):
        place += rng.normal(0, 3, place.shape)
        for one, (x, y) in enumerate(place):
            if rng.random() < 0.9:
                truth.append((frame, one + 1, [x, y, x + 20, y + 30]))
            if rng.random() < 0.8:
                swapped = one if rng.random() < 0.9 else int(rng.integers(6)) + 6
                x, y = np.array([x, y]) + rng.normal(0, 3, 2)
                result.append((frame, swapped + 1, [x, y, x + 20, y + 30]))
    result = list({(frame, one): (frame, one, box) for frame, one, box in result}.values())
    aligned = align(rows(*truth), rows(*result))
    found, expected = cover(aligned), score(aligned)
    assert expected.switches > 10
    assert found.switched.sum() == expected.switches
    assert (found.covered_by != NOBODY).sum() == expected.true_positives
    assert found.false_boxes.sum() == expected.false_positives
