"""Corrections of CVAT and Label Studio come back into a log, through `vidtrack import`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np
import pytest

from tests.conftest import Ended, assert_one_line
from tests.export.scenes import interpreter_with
from tests.tracklog.logs import made_log
from vidtrack import TrackLog

Command = Callable[..., Ended]


def box(left: float) -> tuple[float, ...]:
    return (left, 20.5, left + 40.25, 90.75)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """1 is away in frame 3, 5 crosses it later; frame 6 is empty."""
    frames: list[dict[int, tuple[float, ...]]] = [{1: box(10 + 3 * n), 5: box(300 - 4 * n)} for n in range(8)]
    del frames[3][1]
    frames[6] = {}
    return made_log(tmp_path / "clip.tracks.jsonl", frames, {5: 1})


def exported(vidtrack: Command, log: Path, name: str) -> Path:
    ended = vidtrack("export", log, "--to", name)
    assert ended.code == 0, ended.err
    return Path(ended.out.strip())


def imported(vidtrack: Command, log: Path, file: Path) -> TrackLog:
    ended = vidtrack("import", log, file, "--overwrite")
    assert ended.code == 0, ended.err
    assert vidtrack("validate", ended.out.strip()).code == 0
    return TrackLog.load(ended.out.strip())


def same(found: TrackLog, expected: TrackLog) -> None:
    for name in ("ids", "classes", "scores", "states", "boxes_xyxy", "offsets"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)


@pytest.mark.parametrize("name", ["cvat", "label-studio"])
def test_what_was_not_changed_comes_back_as_it_was(vidtrack: Command, log: Path, name: str) -> None:
    found = imported(vidtrack, log, exported(vidtrack, log, name))
    same(found, TrackLog.load(log))
    assert [edit.operation for edit in found.header.edits] == ["import"]


def test_corrections_in_cvat_arrive(vidtrack: Command, log: Path) -> None:
    """As CVAT writes: tracks renumbered from 0, one relabelled, one moved in a key frame, one redrawn."""
    file = exported(vidtrack, log, "cvat")
    root = Xml.parse(file).getroot()
    first, second = root.iter("track")
    first.set("id", "1")
    second.set("id", "0")
    first.set("label", "cyclist")
    moved = next(element for element in second.iter("box") if element.get("frame") == "2")
    moved.set("ytl", "10.00")
    new = Xml.SubElement(root, "track", id="2", label="car")
    for frame, left, outside in ((0, 500, 0), (4, 520, 0), (6, 520, 1)):
        places = {"xtl": str(left), "ytl": "5", "xbr": str(left + 50), "ybr": "60"}
        Xml.SubElement(new, "box", frame=str(frame), outside=str(outside), keyframe="1", **places)
    file.write_bytes(Xml.tostring(root))
    found = imported(vidtrack, log, file)
    assert {track.id: track.label for track in found.tracks} == {1: "cyclist", 5: "car", 6: "car"}
    assert found.class_names == ["person", "car", "truck", "cyclist"]
    place = found.tracks[5].frame_indices.tolist().index(2)
    assert found.tracks[5].boxes_xyxy[place].tolist() == pytest.approx([292, 10, 332.25, 90.75])
    assert found.tracks[5].scores.tolist()[place] == 1.0 and found.tracks[5].scores[0] == pytest.approx(0.505)
    assert found.tracks[6].frame_indices.tolist() == [0, 1, 2, 3, 4, 5]  # outside from 6 on
    assert found.tracks[6].boxes_xyxy[:, 0].tolist() == [500, 505, 510, 515, 520, 520]


def test_corrections_in_label_studio_arrive(vidtrack: Command, log: Path) -> None:
    """As Label Studio exports: an annotation beside the prediction, key frames only, the last one kept to the end."""
    file = exported(vidtrack, log, "label-studio")
    (task,) = json.loads(file.read_text("utf-8"))
    region = json.loads(json.dumps(task["predictions"][0]["result"][1]))
    keys = [key for key in region["value"]["sequence"] if key["frame"] in (1, 6)]
    region["id"], region["value"]["sequence"] = "aB3xYz", [{**key, "enabled": True} for key in keys]
    region["value"]["labels"] = ["Truck"]
    task["annotations"] = [{"id": 7, "result": [region]}]
    file.write_text(json.dumps([task]), "utf-8")
    found = imported(vidtrack, log, file)
    assert {track.id: track.label for track in found.tracks} == {5: "truck"}
    np.testing.assert_allclose(found.tracks[5].boxes_xyxy[:, 0], [300, 296, 292, 288, 284, 280, 280, 280], atol=0.06)


def test_a_minimal_export_of_label_studio_is_read(vidtrack: Command, log: Path, tmp_path: Path) -> None:
    """Label Studio's JSON_MIN, as its converter makes it of the full export."""
    file = exported(vidtrack, log, "label-studio")
    (task,) = json.loads(file.read_text("utf-8"))
    values = [region["value"] for region in task["predictions"][0]["result"]]
    file.write_text(json.dumps([{"video": "clip.mp4", "id": 1, "box": values, "annotator": 1}]), "utf-8")
    same(imported(vidtrack, log, file), TrackLog.load(log))


def test_what_datumaro_writes_for_cvat_has_no_tracks(vidtrack: Command, log: Path, tmp_path: Path) -> None:
    python = interpreter_with("datumaro")
    code = (
        "import sys; from datumaro.components.dataset import Dataset\n"
        "Dataset.import_from(sys.argv[1], 'cvat').export(sys.argv[2], 'cvat')"
    )
    run([python, "-c", code, str(exported(vidtrack, log, "cvat")), str(tmp_path / "out")])
    (written,) = (tmp_path / "out").rglob("*.xml")
    assert_one_line(vidtrack("import", log, written), 2, "boxes without tracks (CVAT for images)", "for video 1.1")


def test_what_the_package_of_label_studio_writes_is_read(vidtrack: Command, log: Path, tmp_path: Path) -> None:
    python = interpreter_with("label_studio_sdk")
    code = """
import json, sys
from types import SimpleNamespace as Named
from label_studio_sdk.converter.imports.pathtrack import new_keyframe, new_region, new_task
info = Named(fps=25, original_width=640, original_height=272, frame_count=8)
region = new_region(["Truck"], info, "box", "video")
for n in range(2, 6):
    new_keyframe(region, Named(frame=n + 1, x=300 - 4 * n, y=20, width=40, height=70), info)
json.dump([new_task({"video": "clip.mp4"}, [region])], open(sys.argv[1], "w"))
"""
    file = tmp_path / "task.json"
    run([python, "-c", code, str(file)])
    found = imported(vidtrack, log, file)
    (track,) = found.tracks
    assert (track.id, track.label, track.frame_indices.tolist()) == (5, "truck", [2, 3, 4, 5])
    np.testing.assert_allclose(track.boxes_xyxy[0], [292, 20, 332, 90], atol=0.01)


def run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_boxes_are_cut_off_at_the_edges_of_the_image(vidtrack: Command, log: Path, tmp_path: Path) -> None:
    width = TrackLog.load(log).header.source.size[0]
    boxes = {
        "at the corner": (width - 20, -10, width + 30, 15),
        "beyond": (width + 5, 5, width + 30, 15),
        "speck": (5, 5, 5.001, 5.001),
    }
    drawn = "".join(
        f"<track label='{name}'><box frame='0' xtl='{a}' ytl='{b}' xbr='{c}' ybr='{d}'/></track>"
        for name, (a, b, c, d) in boxes.items()
    )
    file = tmp_path / "drawn.xml"
    file.write_text(f"<annotations>{drawn}</annotations>")
    found = imported(vidtrack, log, file)
    assert found.boxes_xyxy.tolist() == [[width - 20, 0, width, 15]]


def test_no_tracks_at_all_are_an_empty_log(vidtrack: Command, log: Path, tmp_path: Path) -> None:
    file = tmp_path / "corrected.xml"
    file.write_text("<annotations><version>1.1</version></annotations>", "utf-8")
    found = imported(vidtrack, log, file)
    assert (len(found), len(found.ids)) == (8, 0)


def test_what_is_no_annotation_is_said_and_nothing_written(vidtrack: Command, log: Path, tmp_path: Path) -> None:
    file = tmp_path / "corrected.xml"
    file.write_text("<html/>", "utf-8")
    assert_one_line(vidtrack("import", log, file), 2, "its root is <html>")
    far = "<annotations><track label='a'><box frame='999' xtl='0' ytl='0' xbr='1' ybr='1'/></track></annotations>"
    file.write_text(far, "utf-8")
    assert_one_line(vidtrack("import", log, file), 2, "has no box in a frame of the log")
    assert_one_line(vidtrack("import", log, tmp_path / "missing.xml"), 2, "cannot be read: No such file")
    assert not log.with_name("clip.edited.tracks.jsonl").exists()
