from __future__ import annotations

import pytest

from tests.render.drawing import CLASSES, frame, tracks
from vidtrack.core.types import ObjectState
from vidtrack.render.annotator import Annotator
from vidtrack.render.style import Look, Style, colour_of


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
