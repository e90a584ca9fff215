"""Fusion's composition, read back by Lua."""

from __future__ import annotations

from typing import Any

from tests.export.readers import (
    Keys,
    boxes_by_frame,
    run_lua,
    same,
)
from tests.export.scenes import by_hand
from vidtrack.export import fusion
from vidtrack.export.scene import Anchor


def test_fusion_masks_follow_the_boxes() -> None:
    scene = by_hand(anchor=Anchor.TOP_LEFT)
    lua, setting = run_lua(fusion.write(scene))
    tools = {name: tool for name, tool in setting.Tools.items()}
    assert {name for name, tool in tools.items() if tool.kind == "RectangleMask"} == {"person_1", "traffic_light_2"}

    def spline(link: Any) -> Keys:
        assert link.Source == "Value"
        keys = tools[link.SourceOp].KeyFrames
        return {frame: [keys[frame][1]] for frame in sorted(keys)}

    def path(link: Any) -> dict[float, list[float]]:
        tool = tools[link.SourceOp]
        assert tool.kind == "XYPath"
        x, y = spline(tool.Inputs.X), spline(tool.Inputs.Y)
        return {frame: [x[frame][0] * 320, (1 - y[frame][0]) * 180] for frame in x}

    mask = tools["person_1"].Inputs
    centre, width, height = path(mask.Center), spline(mask.Width), spline(mask.Height)
    boxes = {}
    for frame, (x, y) in centre.items():
        half_width, half_height = width[frame][0] * 160, height[frame][0] * 90
        boxes[frame] = [x - half_width, y - half_height, x + half_width, y + half_height]
    same(boxes, boxes_by_frame(scene))
    assert spline(mask.Level) == {0: [0], 1: [1], 3: [1], 4: [0], 5: [0], 6: [1], 7: [1], 8: [0]}
    link = lua.eval("{SourceOp='person_1Path', Source='Value'}")
    same(path(link), {frame: box[:2] for frame, box in boxes_by_frame(scene).items()})
