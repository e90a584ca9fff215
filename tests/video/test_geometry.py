"""How frames are laid, against FFmpeg's matrices worked out by hand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from vidtrack.video.geometry import Orientation, display_aspect, display_size, valid_crop

ONE = 1 << 16
IMAGE = np.array([[[1], [2], [3]], [[4], [5], [6]]], np.uint8)  # (2, 3, 1)


def matrix(a: int, b: int, c: int, d: int) -> tuple[int, ...]:
    return (a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30)


@pytest.mark.parametrize(
    ("of", "shown"),
    [
        (matrix(1, 0, 0, 1), [[1, 2, 3], [4, 5, 6]]),
        (matrix(-1, 0, 0, -1), [[6, 5, 4], [3, 2, 1]]),
        (matrix(0, 1, -1, 0), [[4, 1], [5, 2], [6, 3]]),  # a quarter turn clockwise
        (matrix(0, -1, 1, 0), [[3, 6], [2, 5], [1, 4]]),
        (matrix(-1, 0, 0, 1), [[3, 2, 1], [6, 5, 4]]),  # mirrored left to right
        (matrix(1, 0, 0, -1), [[4, 5, 6], [1, 2, 3]]),
    ],
)
def test_frames_are_laid_as_their_matrix_says(of: tuple[int, ...], shown: list[list[int]]) -> None:
    orientation = Orientation.from_display_matrix(of)
    assert orientation.apply(IMAGE)[..., 0].tolist() == shown
    assert orientation.swaps_sides == (len(shown) == 3) and orientation.remainder == 0


def test_an_angle_in_between_is_named_and_an_empty_matrix_is_none() -> None:
    turned = Orientation.from_display_matrix(matrix(0, 0, 0, 0))
    assert turned == Orientation()
    cos, sin = round(0.9397 * ONE), round(0.342 * ONE)
    tilted = Orientation.from_display_matrix((cos, sin, 0, -sin, cos, 0, 0, 0, 1 << 30))
    assert tilted.rotation == 0 and abs(tilted.remainder) == pytest.approx(20, abs=0.1)


def test_size_and_pixel_shape_turn_with_the_frame() -> None:
    upright, turned = Orientation(), Orientation(rotation=90)
    assert display_size((720, 576), (8, 0, 8, 0), upright) == (704, 576)
    assert display_size((720, 576), (8, 0, 8, 0), turned) == (576, 704)
    assert display_aspect(Fraction(16, 15), turned) == Fraction(15, 16)


def test_a_crop_that_leaves_no_pixel_is_ignored() -> None:
    assert valid_crop((1, 1, 2, 2), (8, 8)) == (1, 1, 2, 2)
    assert valid_crop((4, 0, 4, 0), (8, 8)) == (0, 0, 0, 0)
