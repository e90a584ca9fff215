from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.render.scenes import any_clip, write_log
from vidtrack.render.inputs import TrackSelection, open_inputs
from vidtrack.render.jobs import matte_layer, whole_job
from vidtrack.render.masks import MaskConfig
from vidtrack.render.matte import Matte


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
