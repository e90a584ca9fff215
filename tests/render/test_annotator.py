from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.media import example_frames
from vidtrack.core.types import Frame, FrameTracks, ObjectState
from vidtrack.render.annotator import PALETTE, Annotator, Look, Style, colour_of, ink_on

CLASSES = ("person", "Straßenbahn")


def frame(index: int = 0, size: tuple[int, int] = (320, 180), grey: int = 90) -> Frame:
    return Frame(index, index, Fraction(1, 25), np.full((size[1], size[0], 3), grey, np.uint8))


def tracks(index: int, *boxes: tuple[float, ...], ids: list[int] | None = None, state: int = 0) -> FrameTracks:
    count = len(boxes)
    return FrameTracks(
        index,
        index,
        Fraction(1, 25),
        np.array(ids or range(1, count + 1), np.int64),
        np.zeros(count, np.int64),
        np.full(count, 0.5, np.float32),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.full(count, state, np.int64),
    )


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Ottosson's perceptual space."""
    c = rgb / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    to_lms = np.array(
        [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
         [0.0883024619, 0.2817188376, 0.6299787005]]
    )  # fmt: skip
    to_lab = np.array(
        [[0.2104542553, 0.793617785, -0.0040720468], [1.9779984951, -2.428592205, 0.4505937099],
         [0.0259040371, 0.7827717662, -0.808675766]]
    )  # fmt: skip
    return np.cbrt(linear @ to_lms.T) @ to_lab.T


def contrast(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    def luminance(rgb: tuple[int, ...]) -> float:
        c = np.array(rgb) / 255
        return float(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])

    bright, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_colours_can_be_told_apart() -> None:
    space = oklab(np.array(PALETTE))
    distance = np.linalg.norm(space[:, None] - space[None], axis=-1)
    distance[np.diag_indices(len(PALETTE))] = np.inf
    assert distance.min() > 0.1
    assert distance[:8, :8].min() > 0.2  # those in use most


def test_a_track_keeps_its_colour_and_ids_far_apart_repeat() -> None:
    assert colour_of(3) == colour_of(3) != colour_of(4)
    assert colour_of(1) == colour_of(1 + len(PALETTE))


@pytest.mark.parametrize("colour", PALETTE)
def test_labels_can_be_read(colour: tuple[int, int, int]) -> None:
    assert contrast(colour, ink_on(colour)) >= 4.5  # WCAG 2 AA


def test_sizes_grow_with_the_picture() -> None:
    small, hd, uhd = (Style.fitting(size) for size in ((320, 180), (1920, 1080), (3840, 2160)))
    assert small.text >= 10 and small.line == 1
    assert small.line < hd.line < uhd.line
    assert small.text < hd.text < uhd.text
    assert uhd.text == pytest.approx(2 * hd.text, abs=1)
    assert Style.fitting((1080, 1920)) == hd


def test_the_frame_given_is_left_alone() -> None:
    given = frame()
    before = given.image.copy()
    painted = Annotator((320, 180), CLASSES).paint(given, tracks(0, (50, 60, 150, 160)))
    np.testing.assert_array_equal(given.image, before)
    assert (painted.index, painted.pts, painted.image.shape) == (given.index, given.pts, given.image.shape)


def test_without_objects_nothing_is_drawn() -> None:
    given = frame()
    np.testing.assert_array_equal(Annotator((320, 180), CLASSES).paint(given, tracks(0)).image, given.image)


def test_a_box_is_drawn_on_its_edges_in_its_colour() -> None:
    image = Annotator((320, 180), CLASSES).paint(frame(), tracks(0, (50, 60, 150, 160), ids=[2])).image
    for x, y in ((50, 110), (150, 110), (100, 160)):
        assert tuple(image[y, x]) == colour_of(2)
    assert tuple(image[110, 100]) == (90, 90, 90)


def test_a_supposed_box_is_only_corners() -> None:
    image = (
        Annotator((320, 180), CLASSES).paint(frame(), tracks(0, (50, 60, 150, 160), state=ObjectState.PREDICTED)).image
    )
    assert tuple(image[160, 52]) == colour_of(1)
    assert tuple(image[160, 100]) == (90, 90, 90)


def test_labels_stay_in_the_picture_and_off_each_other() -> None:
    boxes = [(-20, -30, 60, 40), (290, 2, 340, 60), (100, 100, 180, 170), (101, 101, 181, 171), (280, 150, 320, 200)]
    image = Annotator((320, 180), CLASSES).paint(frame(), tracks(0, *boxes)).image
    assert image.shape == (180, 320, 3)
    for identity in range(1, len(boxes) + 1):
        ink = (image == np.array(colour_of(identity))).all(-1)
        assert ink.sum() > 200, f"label {identity} is covered"


@pytest.mark.parametrize(
    "box", [(5, 5, 5, 5), (-500, -500, -400, -400), (1000, 1000, 2000, 2000), (-1e4, -1e4, 1e4, 1e4)]
)
def test_odd_boxes_do_no_harm(box: tuple[float, ...]) -> None:
    image = Annotator((320, 180), CLASSES).paint(frame(), tracks(0, box)).image
    assert image.shape == (180, 320, 3)


def test_a_picture_smaller_than_the_label() -> None:
    image = Annotator((24, 8), CLASSES).paint(frame(size=(24, 8)), tracks(0, (2, 2, 20, 6))).image
    assert image.shape == (8, 24, 3)


def test_a_trail_fades_and_ends() -> None:
    annotator = Annotator((320, 180), ("",), Look(trail_seconds=1.0))
    for index in range(20):
        image = annotator.paint(frame(index), tracks(index, (10 + 12 * index, 60, 30 + 12 * index, 100))).image
    # the trail runs along the lower edge's middle, x = 20 + 12 * index; old part first
    strength = [float(np.abs(image[100, x].astype(int) - 90).sum()) for x in (26, 98, 194)]
    assert 0 < strength[0] < strength[1] < strength[2]
    for index in range(20, 50):
        image = annotator.paint(frame(index), tracks(index)).image
    np.testing.assert_array_equal(image, frame().image)
    assert not annotator._trails  # memory does not grow with the clip


def test_a_trail_does_not_reach_into_the_next_shot() -> None:
    annotator = Annotator((320, 180), ("",))
    for index in range(5):
        annotator.paint(frame(index), tracks(index, (10 + 40 * index, 60, 50 + 40 * index, 100)))
    assert (annotator.paint(frame(5), tracks(5)).image != frame().image).any()
    annotator.new_shot()
    np.testing.assert_array_equal(annotator.paint(frame(6), tracks(6)).image, frame().image)


def test_class_names_beyond_ascii_are_drawn() -> None:
    def drawn(name: str) -> np.ndarray:
        return Annotator((320, 180), (name,)).paint(frame(), tracks(0, (50, 60, 250, 160))).image

    assert (drawn("Straße") != drawn("Strase")).any()


def test_only_a_small_part_of_a_real_picture_is_covered() -> None:
    pictures = example_frames(8, 640, 272)
    annotator = Annotator((640, 272), CLASSES)
    boxes = [(20.0 * n, 8.0 * n, 20.0 * n + 60, 8.0 * n + 80) for n in range(20)]
    changed = [
        annotator.paint(Frame(i, i, Fraction(1, 25), picture), tracks(i, *boxes)).image != picture
        for i, picture in enumerate(pictures)
    ]
    assert all(0.01 < change.mean() < 0.6 for change in changed)
