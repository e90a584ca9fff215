"""Box arithmetic against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from vidtrack.core.boxes import (
    area,
    cxcywh_to_xyxy,
    interpolate,
    interpolate_at,
    pairwise_intersection,
    pairwise_iou,
    xyxy_to_cxcywh,
)

A = np.array([[0.0, 0, 4, 2], [10, 10, 12, 14]])
B = np.array([[2.0, 1, 6, 3], [10, 10, 12, 14], [100, 100, 101, 101]])


def test_edges_and_centres_are_each_others_inverse() -> None:
    assert xyxy_to_cxcywh(A).tolist() == [[2, 1, 4, 2], [11, 12, 2, 4]]
    np.testing.assert_array_equal(cxcywh_to_xyxy(xyxy_to_cxcywh(A)), A)


def test_an_inverted_box_has_no_area() -> None:
    assert area(np.array([[0.0, 0, 4, 2], [4, 0, 0, 2]])).tolist() == [8, 0]


def test_overlaps_of_all_pairs() -> None:
    assert pairwise_intersection(A, B).tolist() == [[2, 0, 0], [0, 8, 0]]
    np.testing.assert_allclose(pairwise_iou(A, B), [[2 / 14, 0, 0], [0, 1, 0]])


def test_two_empty_boxes_do_not_overlap() -> None:
    empty = np.array([[3.0, 3, 3, 3]])
    assert pairwise_iou(empty, empty).tolist() == [[0]]


def test_a_box_moves_on_a_straight_line() -> None:
    assert interpolate(A[0], B[0], 0.5).tolist() == [1, 0.5, 5, 2.5]


@pytest.mark.parametrize(("at", "left"), [(0.0, 0), (1.0, 0), (1.5, 5), (2.0, 10), (3.0, 20), (9.0, 20)])
def test_between_known_times_boxes_are_interpolated_and_the_ends_are_held(at: float, left: float) -> None:
    known = np.array([1.0, 2, 3])
    boxes = np.array([[0.0, 0, 10, 10], [10, 0, 20, 10], [20, 0, 30, 10]])
    assert interpolate_at(np.array([at]), known, boxes)[0].tolist() == [left, 0, left + 10, 10]


def test_one_known_box_holds_at_all_times() -> None:
    assert interpolate_at(np.array([0.0, 5.0]), np.array([2.0]), A[:1]).tolist() == [A[0].tolist()] * 2
