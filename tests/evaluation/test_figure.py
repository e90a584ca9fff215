"""The image of a sequence says what the coverage says."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.evaluation.test_metrics import rows, still
from vidtrack.evaluation.coverage import cover
from vidtrack.evaluation.figure import draw_coverage, write_figure
from vidtrack.evaluation.metrics import align, score
from vidtrack.render.style import colour_of


def drawn(*objects: list, result: list, frames: int = 100) -> np.ndarray:
    aligned = align(rows(*(row for one in objects for row in one)), rows(*result), frames)
    return draw_coverage("A", cover(aligned), score(aligned), 25)


def share_of(image: np.ndarray, colour: tuple[int, int, int]) -> float:
    """Part of the time axis over which a row of the image has this colour."""
    return float((image == colour).all(axis=2).any(axis=0)[90:-190].mean())


def test_a_row_takes_the_colour_of_its_track_for_as_long_as_it_is_covered() -> None:
    image = drawn(still(1, range(1, 101)), result=[*still(2, range(1, 51)), *still(3, range(76, 101))])
    assert share_of(image, colour_of(2)) == pytest.approx(0.5, abs=0.01)
    assert share_of(image, colour_of(3)) == pytest.approx(0.25, abs=0.01)


def test_a_switch_is_marked_at_its_frame() -> None:
    one = drawn(still(1, range(1, 101)), result=still(2, range(1, 101)))
    two = drawn(still(1, range(1, 101)), result=[*still(2, range(1, 51)), *still(3, range(51, 101))])
    line = slice(94, 114)  # the first row's height
    black = [(image[line] < 60).all(axis=(0, 2)) for image in (one, two)]
    assert not black[0][90:-190].any()
    assert np.flatnonzero(black[1][90:-190]).mean() == pytest.approx((1600 - 90 - 190) / 2, abs=1)


def test_a_very_short_cover_in_a_long_sequence_still_shows() -> None:
    image = drawn(still(1, range(1, 5_001)), result=still(4, range(2_000, 2_001)), frames=5_000)
    assert share_of(image, colour_of(4)) > 0


@pytest.mark.parametrize("count", [1, 40, 900])
def test_the_height_grows_with_the_objects_and_stays_bounded(count: int) -> None:
    image = drawn(*(still(one, range(1, 3)) for one in range(1, count + 1)), result=still(1, range(1, 3)), frames=3)
    assert 200 < image.shape[0] <= 12_200
    assert image.shape[1] == 1600


def test_written_as_rgb(tmp_path: Path) -> None:
    image = np.zeros((4, 5, 3), np.uint8)
    image[..., 0] = 255  # red
    write_figure(image, tmp_path / "A.png")
    assert cv2.imread(str(tmp_path / "A.png"))[0, 0].tolist() == [0, 0, 255]
