"""Label Studio's tasks, shown as its player does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.export.readers import boxes_by_frame, same
from tests.export.scenes import by_hand
from vidtrack.export import label_studio


def label_studio_shows(sequence: list[dict[str, Any]], frame: int) -> bool:
    """Label Studio's own rule: shown by the last keyframe at or before the frame, which shows itself in any case."""
    earlier = [key for key in sequence if key["frame"] <= frame]
    return bool(earlier) and (earlier[-1]["frame"] == frame or earlier[-1]["enabled"])


def test_label_studio_shows_the_box_where_the_object_is() -> None:
    scene = by_hand()
    (task,) = json.loads(label_studio.write(scene))
    assert task["data"] == {"video": "footage/shot 12.mov"}
    (prediction,) = task["predictions"]
    region = prediction["result"][0]
    assert (region["type"], region["from_name"], region["to_name"]) == ("videorectangle", "box", "video")
    value = region["value"]
    assert (value["labels"], value["framesCount"]) == (["person"], 10)
    assert [frame - 1 for frame in range(1, 11) if label_studio_shows(value["sequence"], frame)] == [1, 2, 3, 6, 7]
    found = {}
    for key in value["sequence"]:
        left, top = key["x"] * 3.2, key["y"] * 1.8
        found[key["frame"] - 1] = [left, top, left + key["width"] * 3.2, top + key["height"] * 1.8]
        assert key["time"] == pytest.approx((key["frame"] - 1) * 1001 / 30000, abs=1e-6)
    same(found, boxes_by_frame(scene))
