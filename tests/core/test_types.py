"""Frames and tracks check their own shapes."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from vidtrack.core.types import Frame, FrameTracks, ObjectState, no_tracks

BASE = Fraction(1001, 30000)


def tracks(*ids: int) -> FrameTracks:
    n = len(ids)
    boxes = np.arange(4.0 * n).reshape(n, 4).astype(np.float32)
    states = np.full(n, ObjectState.DETECTED, np.int64)
    return FrameTracks(3, 6, BASE, np.array(ids), np.zeros(n, np.int64), np.ones(n, np.float32), boxes, states)


def test_time_is_exact() -> None:
    image = np.zeros((2, 3, 3), np.uint8)
    assert Frame(0, 30000, BASE, image).seconds == 1001


@pytest.mark.parametrize("image", [np.zeros((2, 3), np.uint8), np.zeros((2, 3, 4), np.uint8), np.zeros((2, 3, 3))])
def test_a_frame_is_rgb_of_8_or_16_bits(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"must be uint8 or uint16 \(H, W, 3\)"):
        Frame(0, 0, BASE, image)


def test_columns_have_a_value_per_object() -> None:
    with pytest.raises(ValueError, match=r"FrameTracks.scores must be \(1,\), not \(2,\)"):
        FrameTracks(0, 0, BASE, np.zeros(1), np.zeros(1), np.zeros(2), np.zeros((1, 4)), np.zeros(1))


def test_objects_are_chosen_ordered_and_joined_in_all_columns() -> None:
    three = tracks(5, 2, 9)
    assert three[three.ids > 4].ids.tolist() == [5, 9]
    ordered = three[np.argsort(three.ids)]
    assert ordered.ids.tolist() == [2, 5, 9] and ordered.boxes_xyxy[0].tolist() == [4, 5, 6, 7]
    joined = FrameTracks.concat([three, tracks(7)])
    assert joined.ids.tolist() == [5, 2, 9, 7] and (joined.index, joined.pts) == (3, 6)


def test_a_frame_without_objects() -> None:
    none = no_tracks(Frame(4, 8, BASE, np.zeros((2, 3, 3), np.uint8)))
    assert len(none) == 0 and none.seconds == 8 * BASE and none.boxes_xyxy.shape == (0, 4)
