from __future__ import annotations

from fractions import Fraction

import msgspec
import numpy as np
import pytest

from tests.media import example_frames
from tests.render.drawing import CLASSES, frame, tracks
from vidtrack.core.state_io import pack, unpack
from vidtrack.core.types import Frame
from vidtrack.render.annotator import Annotator, AnnotatorState
from vidtrack.render.style import Look, Part, colour_of
from vidtrack.tracklog.records import Event
from vidtrack.tracklog.zones import Line


def test_the_frame_given_is_left_alone() -> None:
    given = frame()
    before = given.image.copy()
    painted = Annotator((320, 180), CLASSES).paint(given, tracks(0, (50, 60, 150, 160)))
    np.testing.assert_array_equal(given.image, before)
    assert (painted.index, painted.pts, painted.image.shape) == (given.index, given.pts, given.image.shape)


def test_without_objects_nothing_is_drawn() -> None:
    given = frame()
    np.testing.assert_array_equal(Annotator((320, 180), CLASSES).paint(given, tracks(0)).image, given.image)


def test_a_trail_grows_thinner_with_age_and_ends_with_its_track() -> None:
    annotator = Annotator((320, 180), ("",), Look(parts=(Part.TRAILS,), trail_seconds=1.0, line=6))
    for index in range(20):
        image = annotator.paint(frame(index), tracks(index, (10 + 12 * index, 60, 30 + 12 * index, 100))).image
    # the trail runs along the lower edge's middle, x = 20 + 12 * index; old part first
    width = [int((image[80:120, x] == colour_of(1)).all(-1).sum()) for x in (60, 130, 230)]
    assert 0 < width[0] < width[1] < width[2] <= 7
    np.testing.assert_array_equal(annotator.paint(frame(20), tracks(20)).image, frame().image)
    assert not annotator.state().paths  # memory does not grow with the clip


def test_trails_are_off_unless_asked_for() -> None:
    annotator = Annotator((320, 180), ("",))
    for index in range(5):
        image = annotator.paint(frame(index), tracks(index, (10 + 40 * index, 60, 50 + 40 * index, 100))).image
    assert (image[95:106, 40:160] == 90).all()


def test_a_trail_does_not_reach_into_the_next_shot() -> None:
    annotator = Annotator((320, 180), ("",), Look(parts=(Part.TRAILS,)))
    for index in range(5):
        annotator.paint(frame(index), tracks(index, (10 + 40 * index, 60, 50 + 40 * index, 100)))
    annotator.new_shot()
    image = annotator.paint(frame(6), tracks(6, (200, 60, 240, 100))).image
    np.testing.assert_array_equal(image, frame().image)


def test_speeds_are_those_of_the_last_half_second() -> None:
    annotator = Annotator((640, 360), CLASSES, Look(parts=(Part.SPEEDS,)))
    for index in range(25):
        box = tracks(index, (4.0 * index, 60, 4.0 * index + 20, 100))
        annotator.paint(frame(index, (640, 360)), box)
    assert annotator._text(box, 0) == "100 px/s"  # 4 pixels a frame at 25 frames per second


def test_an_id_and_a_measured_number_are_set_apart() -> None:
    parts = (Part.LABELS, Part.SCORES, Part.SPEEDS)
    annotator = Annotator((320, 180), CLASSES, Look(parts=parts))
    box = tracks(0, (50, 60, 150, 160), ids=[2])
    annotator.paint(frame(), box)
    assert annotator._text(box, 0) == f"{CLASSES[0]} 2 · 0.50 · 0 px/s"


@pytest.mark.parametrize("parts", [tuple(Part), (Part.BOXES, Part.LABELS)])
def test_drawing_continues_from_a_saved_state(parts: tuple[Part, ...]) -> None:
    places = [Line("gate", ((10.0, 90.0), (90.0, 90.0)))]

    def started() -> Annotator:
        return Annotator((320, 180), CLASSES, Look(parts=parts), places=places)

    whole, first, second = started(), started(), started()
    for index in range(12):
        now = tracks(index, (10 + 8.0 * index, 60, 60 + 8.0 * index, 120), (100, 50, 160, 150))
        expected = whole.paint(frame(index), now).image
        if index == 6:
            first.count(Event("line", "", 6, 6, "gate", 1, 0, "right"))
            second.restore(msgspec.convert(unpack(pack({"state": first.state()}))["state"], AnnotatorState))
        if index == 5:
            whole.count(Event("line", "", 6, 6, "gate", 1, 0, "right"))
        got = (first if index < 6 else second).paint(frame(index), now).image
        np.testing.assert_array_equal(got, expected)


def test_only_a_small_part_of_a_real_image_is_covered() -> None:
    images = example_frames(8, 640, 272)
    annotator = Annotator((640, 272), CLASSES)
    boxes = [(20.0 * n, 8.0 * n, 20.0 * n + 60, 8.0 * n + 80) for n in range(20)]
    changed = [
        annotator.paint(Frame(i, i, Fraction(1, 25), image), tracks(i, *boxes)).image != image
        for i, image in enumerate(images)
    ]
    assert all(0.01 < change.mean() < 0.6 for change in changed)
