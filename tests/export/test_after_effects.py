"""Keyframe data, read back by a strict reader of After Effects' own format."""

from __future__ import annotations

import re

import pytest

from tests.export.readers import (
    ANCHORS,
    Keys,
    boxes_by_frame,
    same,
)
from tests.export.scenes import by_hand
from vidtrack.export import after_effects
from vidtrack.export.scene import Anchor


def read_keyframes(text: str) -> tuple[dict[str, str], dict[str, Keys]]:
    """The header and the blocks of keyframe data; every line has to be of the form After Effects writes."""
    assert text.startswith("Adobe After Effects 8.0 Keyframe Data\n\n\t")
    assert text.endswith("\n\n\nEnd of Keyframe Data\n")
    head, *blocks = text.removesuffix("\n\n\nEnd of Keyframe Data\n").split("\n\n")[1:]
    header = dict(line.removeprefix("\t").split("\t") for line in head.splitlines())
    found = {}
    for block in blocks:
        title, columns, *rows = block.splitlines()
        assert re.fullmatch(r"\tFrame(\t([XYZ] )?(pixels|percent))+\t", columns)
        width = columns.count("\t") - 1
        assert all(re.fullmatch(rf"\t-?\d+(\t-?\d+(\.\d+)?){{{width - 1}}}\t", row) for row in rows)
        values = [[float(value) for value in row.split()] for row in rows]
        assert [row[0] for row in values] == sorted({row[0] for row in values})
        found[title] = {row[0]: row[1:] for row in values}
    return header, found


@pytest.mark.parametrize("anchor", ANCHORS)
def test_after_effects_keyframes_hold_the_box_of_a_null(anchor: Anchor) -> None:
    scene = by_hand(anchor=anchor)
    files = after_effects.write(scene)
    assert list(files) == [f"{name} {kind}.txt" for name in ("person 1", "traffic light 2") for kind in ("transform", "corner pin")]  # fmt: skip  # noqa: E501
    header, blocks = read_keyframes(files["person 1 transform.txt"])
    assert header == {
        "Units Per Second": "29.97",
        "Source Width": "320",
        "Source Height": "180",
        "Source Pixel Aspect Ratio": "1",
        "Comp Pixel Aspect Ratio": "1",
    }
    assert list(blocks) == ["Transform\tPosition", "Transform\tScale", "Transform\tOpacity"]
    x_part, y_part = {"center": (0.5, 0.5), "bottom": (0.5, 1), "top-left": (0, 0)}[anchor]
    boxes = {}
    for frame, (x, y, _) in blocks["Transform\tPosition"].items():
        width, height, _ = blocks["Transform\tScale"][frame]  # percent of 100 pixels
        left, top = x - x_part * width, y - y_part * height
        boxes[frame] = [left, top, left + width, top + height]
    same(boxes, boxes_by_frame(scene))
    assert blocks["Transform\tOpacity"] == {0: [0], 1: [100], 3: [100], 4: [0], 5: [0], 6: [100], 7: [100], 8: [0]}


def test_after_effects_corner_pin_is_in_the_order_of_its_parameters() -> None:
    scene = by_hand(start_frame=100)
    _, blocks = read_keyframes(after_effects.write(scene)["person 1 corner pin.txt"])
    corners = [blocks[f"Effects\tADBE Corner Pin #1\tADBE Corner Pin-000{n}"] for n in (1, 2, 3, 4)]
    for frame, (left, top, right, bottom) in boxes_by_frame(scene, first=100).items():
        assert [key[frame] for key in corners] == [[left, top], [right, top], [left, bottom], [right, bottom]]
    assert next(iter(blocks["Transform\tOpacity"])) == 100
