"""Files of CVAT and Label Studio: which frames show an object, and where."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from vidtrack.core.errors import DataError
from vidtrack.datasets.annotated_tracks import read_annotated

ONE = "<annotations><track label='{}'><box frame='{}' xtl='{}' ytl='0' xbr='1' ybr='1'/></track></annotations>"
KEY = '[{"annotations": [{"result": [{"type": "videorectangle", "value": {"sequence": [{"frame": 1e400}]}}]}]}]'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not a CVAT or Label Studio file"),
        ("{}", "holds no tracks"),
        ("<annotations>", "is not a CVAT or Label Studio file"),
        (ONE.format("car", "x", 0), "is not a CVAT or Label Studio file"),
        (ONE.format("", 0, 0), "a track without a label"),
        (ONE.format("car", 0, "nan"), "lies outside any clip"),
        (ONE.format("car", -1, 0), "lies outside any clip"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><annotations/>", "defines entities"),
        ("<html/>", "its root is <html>"),
        ("[{}, {}]", "holds 2 tasks"),
        ("[" * 100_000, "is not a CVAT or Label Studio file"),
        (KEY, "is not a CVAT or Label Studio file"),
        ('[{"annotations": 5}]', "is not a CVAT or Label Studio file"),
    ],
)
def test_what_is_no_annotation_is_said(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "corrected.xml"
    file.write_text(text, "utf-8")
    with pytest.raises(DataError, match=re.escape(said)):
        read_annotated(file, (640, 272))


def test_a_box_of_cvat_lasts_until_it_is_outside(tmp_path: Path) -> None:
    file = tmp_path / "corrected.xml"
    keys = [(2, 0, 0), (4, 10, 0), (5, 10, 1), (8, 30, 0)]
    boxes = "".join(
        f"<box frame='{frame}' xtl='{left}' ytl='0' xbr='{left + 5}' ybr='9' outside='{outside}'/>"
        for frame, left, outside in keys
    )
    file.write_text(f"<annotations><track label=' a  van '>{boxes}</track></annotations>", "utf-8")
    clip = read_annotated(file, (640, 272))
    (track,) = clip.tracks
    assert (track.label, clip.on_timeline) == ("a van", False)
    there, found = track.at(np.arange(10))
    assert np.flatnonzero(there).tolist() == [2, 3, 4, 8]
    assert found[:, 0].tolist() == [0, 5, 10, 30]


def test_a_box_that_was_turned_in_cvat_is_enclosed(tmp_path: Path) -> None:
    turned = "<box frame='{}' xtl='60' ytl='90' xbr='140' ybr='110' rotation='{}'/>"
    boxes = "".join(turned.format(frame, angle) for frame, angle in enumerate((0, 30, 330, 90)))
    file = tmp_path / "corrected.xml"
    file.write_text(f"<annotations><track label='car'>{boxes}</track></annotations>", "utf-8")
    (track,) = read_annotated(file, (640, 272)).tracks
    # Corners at 30 degrees: (70.36, 71.34), (139.64, 111.34), (129.64, 128.66), (60.36, 88.66).
    leaning = [60.36, 71.34, 139.64, 128.66]
    expected = [[60, 90, 140, 110], leaning, leaning, [90, 60, 110, 140]]
    np.testing.assert_allclose(track.boxes_xyxy, expected, atol=0.01)


def test_a_key_of_label_studio_that_is_not_enabled_ends_a_stretch_and_a_rotated_box_is_enclosed(tmp_path: Path) -> None:
    def key(frame: int, x: float, enabled: bool, rotation: float = 0) -> dict[str, float]:
        return {"frame": frame, "x": x, "y": 50, "width": 10, "height": 5, "enabled": enabled, "rotation": rotation}

    keys = [key(1, 0, True), key(3, 20, False), key(6, 50, True, 90)]
    region = {"type": "videorectangle", "value": {"sequence": keys, "labels": ["car"]}}
    file = tmp_path / "task.json"
    file.write_text(json.dumps([{"annotations": [{"result": [region, {"type": "labels"}]}]}]), "utf-8")
    clip = read_annotated(file, (200, 100))
    assert clip.on_timeline
    there, found = clip.tracks[0].at(np.arange(8))
    assert np.flatnonzero(there).tolist() == [0, 1, 2, 5, 6, 7]  # the last key lasts to the end
    np.testing.assert_allclose(found[:3], [[0, 50, 20, 55], [20, 50, 40, 55], [40, 50, 60, 55]])
    np.testing.assert_allclose(found[3], [95, 50, 100, 70], atol=1e-9)  # clockwise about its top left corner
