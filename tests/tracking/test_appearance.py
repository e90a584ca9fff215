"""Colours as evidence of identity: the histograms, what tracks remember, and crossings that only colours settle."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from vidtrack.core.detections import Detections
from vidtrack.core.state_io import pack, unpack
from vidtrack.core.types import Frame, no_tracks
from vidtrack.tracking.appearance import LENGTH, Colours, add_evidence, colour_histograms, covered, remembered
from vidtrack.tracking.association_tracker import AssociationTracker
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.given_detections import GivenDetections

RED, BLUE, GREY = (200, 30, 30), (30, 30, 200), (120, 120, 120)
WHOLE = np.array([[0.0, 0, 40, 90]])
CONFIG = TrackerConfig(camera_motion=False, scene_cuts=False)


def painted(*parts: tuple[np.ndarray, tuple[int, int, int]], size: tuple[int, int] = (400, 200)) -> np.ndarray:
    """A grey image of `size` (width, height) with boxes of one colour, the last in front."""
    image = np.full((size[1], size[0], 3), GREY, np.uint8)
    for box, colour in parts:
        left, top, right, bottom = np.asarray(box, int)
        image[top:bottom, left:right] = colour
    return image


def banded(*colours: tuple[int, int, int]) -> np.ndarray:
    """An image of 40 x 90 pixels in horizontal bands of equal height."""
    return np.repeat(np.array(colours, np.uint8)[:, None], 90 // len(colours), axis=0).repeat(40, axis=1)


def agreement(a: np.ndarray, b: np.ndarray) -> float:
    return float((colour_histograms(a, WHOLE) @ colour_histograms(b, WHOLE).T)[0, 0])


def test_agreement_is_the_share_of_bands_with_the_same_colour() -> None:
    image = banded(RED, BLUE, GREY)
    assert agreement(image, image) == pytest.approx(1)
    assert agreement(image, banded(RED, GREY, GREY)) == pytest.approx(2 / 3)
    assert agreement(image, banded(BLUE, GREY, RED)) == pytest.approx(0)


def test_half_a_band_of_another_colour_counts_as_bhattacharyya_says() -> None:
    mixed = banded(*[RED, BLUE] * 3)  # each band half red, half blue
    assert agreement(mixed, banded(RED, RED, RED)) == pytest.approx(np.sqrt(0.5), abs=1e-6)


def test_the_background_beside_an_object_does_not_count() -> None:
    image = banded(RED, RED, RED)
    image[:, :8] = image[:, 32:] = BLUE
    assert agreement(image, banded(RED, RED, RED)) == pytest.approx(1)


def test_deep_images_look_the_same() -> None:
    image = banded(RED, BLUE, GREY)
    assert agreement(image, image.astype(np.uint16) * 257) == pytest.approx(1)


def test_boxes_may_leave_the_image_or_be_tiny() -> None:
    boxes = np.array([[-30.0, -30, 20, 40], [390, 190, 900, 900], [5, 5, 5.2, 5.1], [-90, -90, -50, -50]])
    found = colour_histograms(painted(), boxes)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert colour_histograms(painted(), np.zeros((0, 4))).shape == (0, LENGTH)


def two_looks() -> Colours:
    """A box that is red all over, and one beside it that is red in one band of three."""
    image = np.hstack([banded(RED, RED, RED), banded(RED, BLUE, BLUE)])
    return Colours(image, WHOLE + np.outer([0, 40], [1, 0, 1, 0]))


def test_colours_settle_pairs_that_are_contested() -> None:
    known = colour_histograms(painted((WHOLE[0], RED)), np.repeat(WHOLE, 2, axis=0))
    known[1] = 0  # a track without colours
    alike = np.array([[0.5, 0.6], [0.5, 0.0]])
    add_evidence(alike, known, two_looks(), 0.3)
    np.testing.assert_allclose(alike, [[0.6, 0.5], [0.5, 0.0]], atol=1e-6)


@pytest.mark.parametrize("alike", [[[0.5, 0.0], [0.0, 0.5]], [[0.9, 0.5], [0.5, 0.9]], [[0.0, 0.0], [0.0, 0.0]]])
def test_pairs_that_colours_cannot_change_are_not_looked_at(alike: list[list[float]]) -> None:
    known = colour_histograms(painted((WHOLE[0], RED)), np.repeat(WHOLE, 2, axis=0))
    found, before = two_looks(), np.array(alike)
    after = before.copy()
    add_evidence(after, known, found, 0.3)
    np.testing.assert_array_equal(after, before)
    assert not found.taken.any()


def test_colours_are_taken_once_and_only_of_what_is_asked_for() -> None:
    found, whole = two_looks(), colour_histograms(banded(RED, BLUE, BLUE), WHOLE)
    np.testing.assert_array_equal(found.of(np.array([1, 1])), np.repeat(whole, 2, axis=0))
    assert found.taken.tolist() == [False, True]
    assert found.of(np.array([1])) @ found.of(np.array([0])).T == pytest.approx(1 / 3)


def test_how_much_of_a_box_lies_under_others() -> None:
    boxes = np.array([[0.0, 0, 40, 90], [30, 0, 70, 90], [60, 20, 70, 60]])
    assert covered(Detections.of(boxes, np.ones(3))).tolist() == pytest.approx([0.25, 0.25, 1.0])
    assert covered(Detections.of(boxes[:0], np.ones(0))).tolist() == []


def test_memory_fades_by_half_lives_and_starts_with_the_first_sighting() -> None:
    red, blue = (colour_histograms(banded(c, c, c), WHOLE) for c in (RED, BLUE))
    np.testing.assert_allclose(remembered(np.zeros_like(red), blue, np.ones(1)), blue, atol=1e-6)
    now, later = (remembered(red, blue, np.array([elapsed])) for elapsed in (0.0, 100.0))
    np.testing.assert_allclose(now, red, atol=1e-6)
    np.testing.assert_allclose(later, blue, atol=1e-6)
    assert np.linalg.norm(remembered(red, blue, np.array([0.5]))) == pytest.approx(1)


def meet_and_turn(index: int) -> tuple[np.ndarray, Detections]:
    """Red and blue walk towards each other, overlap, and go back; red is hidden behind blue while they meet.

    Red comes first in the detections, if it is seen.
    """
    way = 5.0 * min(index, 30 - index)
    red, blue = np.array([80 + way, 50, 120 + way, 150]), np.array([240 - way, 53, 280 - way, 153])
    seen = [red, blue] if abs(index - 15) > 2 else [blue]
    return painted((red, RED), (blue, BLUE)), Detections.of(np.array(seen), np.full(len(seen), 0.8))


def ids_of_two(config: TrackerConfig, use_images: bool = True, save_at: int | None = None) -> list[list[int]]:
    """The ids in each frame of `meet_and_turn`, those on the left first; optionally by two trackers in turn."""
    names = GivenDetections(("person",))
    tracker, ids = AssociationTracker(names, config, np.ones(1, bool)), []
    for index in range(31):
        if index == save_at:
            saved = unpack(pack({"tracker": tracker.state()}))["tracker"]
            tracker = AssociationTracker(names, config, np.ones(1, bool))
            tracker.restore(saved)
        image, found = meet_and_turn(index)
        frame = Frame(index, index, Fraction(1, 10), image)
        if use_images:
            shown = tracker.step(found, frame)
        else:
            shown = tracker.step_without_image(found, no_tracks(frame), (400, 200))
        ids.append(shown.ids[np.argsort(shown.boxes_xyxy[:, 0])].tolist())
    return ids


def test_two_who_meet_and_turn_keep_their_ids_by_their_colours() -> None:
    ids = ids_of_two(CONFIG)
    assert ids[5] == ids[30] == [1, 2]
    assert sorted({one for frame in ids for one in frame}) == [1, 2]


@pytest.mark.parametrize(("weight", "use_images"), [(0.0, True), (0.25, False)])
def test_without_colours_they_swap(weight: float, use_images: bool) -> None:
    ids = ids_of_two(replace(CONFIG, appearance_weight=weight), use_images)
    assert ids[5] == [1, 2]
    assert ids[30] == [2, 1]


@pytest.mark.parametrize("save_at", [12, 15, 18])
def test_colours_are_saved(save_at: int) -> None:
    assert ids_of_two(CONFIG, save_at=save_at) == ids_of_two(CONFIG)
