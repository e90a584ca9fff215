from __future__ import annotations

import itertools
from fractions import Fraction

import msgspec
import numpy as np
import pytest

from tests.media import example_frames
from vidtrack.core.state_io import pack, unpack
from vidtrack.core.types import Frame, FrameTracks, ObjectState
from vidtrack.render.annotator import Annotator, AnnotatorState
from vidtrack.render.style import PALETTE, Look, Part, Sizes, Style, colour_of, ink_on
from vidtrack.tracklog.records import Event
from vidtrack.tracklog.zones import Line, Zone

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


SIGHT = {  # Machado 2009, linear RGB
    "normal": np.eye(3),
    "protanopic": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopic": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopic": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def oklab(rgb: np.ndarray, sight: str) -> np.ndarray:
    """Ottosson's perceptual space, of colours as people with this sight see them."""
    c = rgb / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ SIGHT[sight].T, 0, 1)
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


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_can_be_told_apart(sight: str) -> None:
    space = oklab(np.array(PALETTE), sight)
    distance = np.linalg.norm(space[:, None] - space[None], axis=-1)
    distance[np.diag_indices(len(PALETTE))] = np.inf
    assert distance.min() > 0.07
    assert distance[:5, :5].min() > 0.13  # those in use most


def test_a_track_keeps_its_colour_and_ids_far_apart_repeat() -> None:
    assert colour_of(3) == colour_of(3) != colour_of(4)
    assert colour_of(1) == colour_of(1 + len(PALETTE))


@pytest.mark.parametrize("colour", PALETTE)
def test_labels_can_be_read(colour: tuple[int, int, int]) -> None:
    assert contrast(colour, ink_on(colour)) >= 4.5  # WCAG 2 AA


@pytest.mark.parametrize("style", Style)
def test_sizes_grow_with_the_image(style: Style) -> None:
    look = Look(style)
    small, hd, uhd = (Sizes.fitting(size, look) for size in ((320, 180), (1920, 1080), (3840, 2160)))
    assert small.text >= 14 and small.line >= 2
    assert small.line <= hd.line < uhd.line
    assert small.text < hd.text < uhd.text
    assert uhd.text == pytest.approx(2 * hd.text, abs=1)
    assert Sizes.fitting((1080, 1920), look) == hd


def test_the_bold_style_is_bolder() -> None:
    for size in ((640, 480), (1920, 1080)):
        quiet, bold = Sizes.fitting(size), Sizes.fitting(size, Look(Style.BOLD))
        assert bold.line > quiet.line and bold.text >= quiet.text


def test_the_frame_given_is_left_alone() -> None:
    given = frame()
    before = given.image.copy()
    painted = Annotator((320, 180), CLASSES).paint(given, tracks(0, (50, 60, 150, 160)))
    np.testing.assert_array_equal(given.image, before)
    assert (painted.index, painted.pts, painted.image.shape) == (given.index, given.pts, given.image.shape)


def test_without_objects_nothing_is_drawn() -> None:
    given = frame()
    np.testing.assert_array_equal(Annotator((320, 180), CLASSES).paint(given, tracks(0)).image, given.image)


@pytest.mark.parametrize("state", ObjectState)
@pytest.mark.parametrize("grey", [0, 90, 255])
def test_a_box_is_drawn_on_its_edges_in_its_colour_between_darker_lines(state: int, grey: int) -> None:
    box = tracks(0, (50, 60, 150, 160), ids=[2], state=state)
    image = Annotator((320, 180), CLASSES).paint(frame(grey=grey), box).image
    for first, row in ((50, image[110]), (60, image[:, 110])):
        assert tuple(row[first]) == colour_of(2)
        sides = row[[first - 2, first + 1]]
        assert (sides <= grey // 2).all()
    assert tuple(image[110, 100]) == (grey,) * 3


@pytest.mark.parametrize("style", Style)
def test_a_label_is_readable_on_any_ground(style: Style) -> None:
    for grey in (0, 128, 255):
        image = (
            Annotator((640, 360), CLASSES, Look(style))
            .paint(frame(size=(640, 360), grey=grey), tracks(0, (200, 100, 400, 300)))
            .image
        )
        label = image[75:97, 205:255].reshape(-1, 3)
        levels = np.sort(label.mean(axis=1))
        assert contrast((round(levels[3]),) * 3, (round(levels[-3]),) * 3) >= 4.5


def test_labels_stay_in_the_image_and_off_each_other() -> None:
    boxes = [(-20, -30, 60, 40), (270, 2, 330, 60), (80, 100, 160, 170), (83, 103, 163, 173), (270, 120, 320, 200)]
    look = Look(Style.BOLD, (Part.LABELS,))
    image = Annotator((320, 180), CLASSES, look).paint(frame(), tracks(0, *boxes)).image
    for identity in range(1, len(boxes) + 1):
        ground = (image == np.array(colour_of(identity))).all(-1)
        rows, columns = np.flatnonzero(ground.any(1)), np.flatnonzero(ground.any(0))
        plate = ground[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert plate.mean() > 0.4, f"label {identity} is covered"


def heads_shown(boxes: list[tuple[float, ...]]) -> list[float]:
    """Share of each head, the middle of a box's top, that no label covers."""
    image = (
        Annotator((640, 360), CLASSES, Look(parts=(Part.LABELS,)))
        .paint(frame(size=(640, 360)), tracks(0, *boxes))
        .image
    )
    clear = (image == 90).all(-1)
    heads = [
        (round(x0 + 0.2 * (x1 - x0)), round(y0), round(x1 - 0.2 * (x1 - x0)), round(y0 + 0.2 * (y1 - y0)))
        for x0, y0, x1, y1 in boxes
    ]
    return [float(clear[y0:y1, x0:x1].mean()) for x0, y0, x1, y1 in heads]


def test_labels_do_not_cover_heads() -> None:
    row = [(60.0 * n + 40, 100.0 + 9 * (n % 3), 60.0 * n + 90, 260.0) for n in range(9)]
    behind = [(200.0, 60.0, 260.0, 240.0), (230.0, 84.0, 290.0, 300.0), (10.0, 0.0, 90.0, 200.0)]
    assert min(heads_shown(row)) > 0.9
    assert min(heads_shown(behind)) > 0.9


def test_a_label_stays_on_its_side_while_others_come_near() -> None:
    annotator = Annotator((640, 360), CLASSES, Look(parts=(Part.LABELS,)))
    sides = []
    for index in range(30):
        annotator.paint(
            frame(index, (640, 360)), tracks(index, (200, 150, 260, 330), (40 + 4 * index, 100, 100 + 4 * index, 250))
        )
        sides.append(dict(annotator.state().sides))
    assert sum(before != after for before, after in itertools.pairwise(sides)) <= 2


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize(
    "box", [(5, 5, 5, 5), (-500, -500, -400, -400), (1000, 1000, 2000, 2000), (-1e4, -1e4, 1e4, 1e4), (0, 0, 3, 2)]
)
def test_odd_boxes_do_no_harm(box: tuple[float, ...], style: Style) -> None:
    image = Annotator((320, 180), CLASSES, Look(style)).paint(frame(), tracks(0, box)).image
    assert image.shape == (180, 320, 3)


def test_a_box_as_large_as_the_image_shows_its_line() -> None:
    image = Annotator((320, 180), CLASSES).paint(frame(), tracks(0, (0, 0, 320, 180))).image
    for line in (image[:4, 200], image[-4:, 200], image[100, :4], image[100, -4:]):
        assert (line == colour_of(1)).all(-1).sum() == 2


def test_an_image_smaller_than_the_label() -> None:
    image = Annotator((24, 8), CLASSES).paint(frame(size=(24, 8)), tracks(0, (2, 2, 20, 6))).image
    assert image.shape == (8, 24, 3)


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


def test_class_names_beyond_ascii_are_drawn() -> None:
    def drawn(name: str) -> np.ndarray:
        return Annotator((320, 180), (name,)).paint(frame(), tracks(0, (50, 60, 250, 160))).image

    assert (drawn("Straße") != drawn("Strase")).any()


def test_speeds_are_those_of_the_last_half_second() -> None:
    annotator = Annotator((640, 360), CLASSES, Look(parts=(Part.SPEEDS,)))
    for index in range(25):
        box = tracks(index, (4.0 * index, 60, 4.0 * index + 20, 100))
        annotator.paint(frame(index, (640, 360)), box)
    assert annotator._text(box, 0) == "100 px/s"  # 4 pixels a frame at 25 frames per second


def test_lines_and_zones_are_drawn_with_their_counts() -> None:
    places = [
        Line("gate", ((10.0, 90.0), (90.0, 90.0)), percent=True),
        Zone("lot", ((20.0, 20.0), (120.0, 20.0), (70.0, 100.0))),
    ]
    annotator = Annotator((640, 360), CLASSES, Look(parts=(Part.ZONES,)), places=places)
    empty = annotator.paint(frame(0, (640, 360)), tracks(0)).image
    assert (empty[322:326, 400] == 255).all(-1).any()
    for direction in ("right", "right", "left"):
        annotator.count(Event("line", "", 0, 0, "gate", 1, 0, direction))
    place, points = annotator._places._places[0]
    assert annotator._places._counts(place, points) == "↓ 2 ↑ 1"  # a line to the right has its right side below
    assert (annotator.paint(frame(1, (640, 360)), tracks(1)).image != empty).any()


def test_a_heat_map_is_hottest_where_objects_stood_longest() -> None:
    annotator = Annotator((320, 180), CLASSES, Look(parts=(Part.HEATMAP,)))
    for index in range(30):
        x = 60 if index < 25 else 240
        image = annotator.paint(frame(index), tracks(index, (x - 10, 60, x + 10, 120))).image
    red, blue = image[120, 60], image[120, 240]
    assert red[0] > red[2] and int(red[0]) - red[2] > int(blue[0]) - blue[2]
    assert (image[10, 160] == 90).all()


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
