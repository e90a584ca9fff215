"""Nuke's nodes and curves, read back by a strict reader."""

from __future__ import annotations

import pytest

from tests.export.readers import (
    Keys,
    boxes_by_frame,
    read_nodes,
    same,
)
from tests.export.scenes import by_hand
from vidtrack.export import nuke


def read_curve(words: list[str]) -> Keys:
    assert words[0] == "curve"
    keys: Keys = {}
    frame = 0
    for word in words[1:]:
        if word.startswith("x"):
            frame = int(word[1:])
        elif word != "K":
            keys[frame] = [float(word)]
            frame += 1
    return keys


@pytest.mark.parametrize("first", [None, 0, 86400])
def test_nuke_tracker_and_crops(first: int | None) -> None:
    scene = by_hand(start_frame=first)
    start, height = 1001 if first is None else first, 180
    nodes = read_nodes(nuke.write(scene))
    assert [(kind, name) for name, (kind, _) in nodes.items()] == [
        ("Tracker4", "shot_12_tracks"), ("Crop", "person_1_box"), ("Crop", "traffic_light_2_box"),
    ]  # fmt: skip
    (version, columns, rows), specs, table = nodes["shot_12_tracks"][1]["tracks"]
    assert [version, columns, rows, len(specs), len(table)] == ["1", "31", "2", 31, 2]
    assert all(len(spec) == 6 for spec in specs)
    assert all(len(row) == 31 for row in table)
    named = dict(zip([spec[4] for spec in specs], table[0], strict=True))
    assert named["name"] == '"person 1"'
    centres = {
        frame: [(left + right) / 2, height - (top + bottom) / 2]
        for frame, (left, top, right, bottom) in boxes_by_frame(scene, first=start).items()
    }
    x, y = read_curve(named["track_x"]), read_curve(named["track_y"])
    same({frame: [*x[frame], *y[frame]] for frame in x}, centres)
    switches = {start: [0], start + 1: [1], start + 4: [0], start + 6: [1], start + 8: [0]}
    assert {frame: value for frame, value in hold_curve(named["e"]).items()} == switches
    assert [float(named[f"pattern_{side}"]) for side in "xyrt"] == [-20.25, -50, 20.25, 50]
    crop = nodes["person_1_box"][1]
    sides = [read_curve(curve) for curve in crop["box"]]
    boxes = {
        frame: [sides[0][frame][0], height - sides[3][frame][0], sides[2][frame][0], height - sides[1][frame][0]]
        for frame in sides[0]
    }
    same(boxes, boxes_by_frame(scene, first=start))
    assert hold_curve(crop["disable"][0]) == {frame: [1 - value] for frame, (value,) in switches.items()}
    assert crop["inputs"] == "0"


def hold_curve(words: list[str]) -> Keys:
    assert words[:2] == ["curve", "K"]
    return {int(at[1:]): [float(value)] for at, value in zip(words[2::2], words[3::2], strict=True)}
