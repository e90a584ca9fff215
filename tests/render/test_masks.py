from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.render.scenes import any_clip, write_log
from vidtrack.render.inputs import TrackSelection, open_inputs
from vidtrack.render.jobs import matte_layer, whole_job
from vidtrack.render.masks import Mask, MaskConfig, Shape, mask_of
from vidtrack.render.matte import Matte

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


@pytest.mark.parametrize("inverted", [False, True])
def test_a_matte_is_opaque_inside_the_boxes(tmp_path: Path, inverted: bool) -> None:
    clip = any_clip(tmp_path / "clip.mp4", frames=2)
    log = write_log(tmp_path / "log.jsonl", clip, {1: {0: (40, 20, 90, 70)}, 2: {0: (80, 60, 120, 100)}}, range(2))
    scene = open_inputs(log, None, TrackSelection())
    layer = matte_layer(scene.chosen, Matte(MaskConfig(feather=0), inverted=inverted), with_picture=True)
    take = whole_job(scene.footage, layer, tmp_path / "matte.mov")
    from vidtrack.tracklog.source_video import with_objects

    with scene.footage.open() as reader:
        shown = [take.effect(frame, tracks) for frame, tracks in with_objects(reader, take.log)]
    alpha = shown[0].alpha
    assert alpha is not None
    inside = np.zeros(alpha.shape, bool)
    inside[20:70, 40:90] = inside[60:100, 80:120] = True
    np.testing.assert_array_equal(alpha, np.where(inside != inverted, 255, 0))
    assert shown[1].alpha is not None and (shown[1].alpha == 255 * inverted).all()
