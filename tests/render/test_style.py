"""Colours can be told apart and read; sizes fit the image."""

from __future__ import annotations

import numpy as np
import pytest

from tests.render.drawing import contrast
from vidtrack.render.style import PALETTE, Look, Sizes, Style, colour_of, ink_on

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
