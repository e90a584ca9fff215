from __future__ import annotations

import numpy as np
import pytest

from vidtrack.render.masks import Mask, MaskConfig, Shape, mask_of

SIZE = (120, 80)


def full(mask: Mask) -> np.ndarray:
    """The mask as a whole image."""
    picture = np.zeros((SIZE[1], SIZE[0]), np.float32)
    picture[mask.inner] = 1
    for part, opacity in mask.rim():
        assert not picture[part].any()
        picture[part] = opacity
    return picture


@pytest.mark.parametrize("shape", list(Shape))
@pytest.mark.parametrize("box", [(30.4, 20.2, 61.7, 50.9), (-20, -5, 15, 30), (100, 60, 150, 95), (-5, -5, 130, 90)])
def test_all_of_the_box_is_covered(shape: Shape, box: tuple[float, ...]) -> None:
    mask = mask_of(box, SIZE, MaskConfig(shape, 0.2))
    assert mask is not None
    picture = full(mask)
    left, top = (max(0, int(np.floor(v))) for v in box[:2])
    right, bottom = (int(np.ceil(v)) for v in box[2:])
    assert (picture[top:bottom, left:right] == 1).all()
    assert picture.min() >= 0 and picture.max() == 1


def test_a_feather_falls_smoothly_to_nothing() -> None:
    mask = mask_of((40, 30, 80, 50), SIZE, MaskConfig(feather=0.5))
    assert mask is not None
    row = full(mask)[40, 80:]
    assert row[0] > 0.95 and row[9] < 0.05 and not row[10:].any()
    assert (np.diff(row) <= 0).all()


def test_an_ellipse_goes_through_the_corners() -> None:
    mask = mask_of((40, 30, 80, 50), SIZE, MaskConfig(Shape.ELLIPSE, 0))
    assert mask is not None
    picture = full(mask)
    assert picture[30, 40] == 1 and picture[29, 39] == 0
    assert picture[26, 60] == 1 and picture[25, 60] == 0 and picture[40, 32] == 1


@pytest.mark.parametrize("box", [(10, 10, 10, 30), (20, 30, 10, 20), (-50, 0, -30, 10), (0, 200, 10, 220)])
def test_nothing_to_mask(box: tuple[float, ...]) -> None:
    assert mask_of(box, SIZE, MaskConfig()) is None
