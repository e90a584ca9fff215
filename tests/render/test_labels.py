from __future__ import annotations

import numpy as np
import pytest

from tests.render.drawing import CLASSES, contrast, frame, tracks
from vidtrack.render.annotator import Annotator
from vidtrack.render.style import Look, Style


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


def test_an_image_smaller_than_the_label() -> None:
    plain = frame(size=(24, 8))
    image = Annotator((24, 8), CLASSES).paint(plain, tracks(0, (2, 2, 20, 6))).image
    assert image.shape == (8, 24, 3)
    assert (image != plain.image).any()


def test_class_names_beyond_ascii_are_drawn() -> None:
    def drawn(name: str) -> np.ndarray:
        return Annotator((320, 180), (name,)).paint(frame(), tracks(0, (50, 60, 250, 160))).image

    missing = drawn("\ue000")  # private use: no font has it
    assert (drawn("ß") != missing).any() and (drawn("é") != drawn("ß")).any()
