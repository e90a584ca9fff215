"""The script, run by a JavaScript engine with After Effects' objects."""

from __future__ import annotations

import pytest

from tests.export.readers import (
    ANCHORS,
    boxes_by_frame,
    run_script,
    same,
)
from tests.export.scenes import by_hand
from vidtrack.export import after_effects_script
from vidtrack.export.scene import Anchor


@pytest.mark.parametrize("anchor", ANCHORS)
def test_after_effects_script_makes_the_comp_and_a_null_an_object(anchor: Anchor) -> None:
    scene = by_hand(anchor=anchor)
    made = run_script(after_effects_script.write(scene))
    comp, frame = made["comp"], 1001 / 30000
    assert (comp["name"], comp["width"], comp["height"], comp["aspect"]) == ("shot 12", 320, 180, 1)
    assert comp["duration"] == pytest.approx(10 * frame, abs=1e-12)
    assert comp["frameDuration"] == pytest.approx(frame, abs=1e-15)
    assert comp["displayStartTime"] == pytest.approx(1798 * frame, abs=1e-9)
    assert made["imported"] == ["footage/shot 12.mov"]
    assert [layer["name"] for layer in made["nulls"]] == ["person 1", "traffic light 2"]
    layer = made["nulls"][0]
    anchor_x, anchor_y = layer["anchorPoint"]["value"]
    boxes = {}
    for (time, (x, y)), (_, (across, down)) in zip(layer["position"]["keys"], layer["scale"]["keys"], strict=True):
        left, top = x - anchor_x * across / 100, y - anchor_y * down / 100
        boxes[round(time / frame, 6)] = [left, top, left + across, top + down]
    same(boxes, boxes_by_frame(scene))
    assert [(round(time / frame, 6), value) for time, value in layer["opacity"]["keys"]] == [
        (0, 0), (1, 100), (4, 0), (6, 100), (8, 0),
    ]  # fmt: skip
    assert layer["opacity"]["holds"] == [1, 2, 3, 4, 5]
    assert layer["position"]["holds"] == layer["scale"]["holds"] == [3, 5]  # the last one before each gap
    assert (round(layer["inPoint"] / frame, 6), round(layer["outPoint"] / frame, 6)) == (1, 8)
