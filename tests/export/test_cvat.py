"""CVAT's XML, read back by datumaro."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from xml.etree import ElementTree as Xml

from tests.export.readers import boxes_by_frame, same
from tests.export.scenes import BY_HAND, by_hand, exported, interpreter_with, moving, scene_of, write_log
from vidtrack.export import cvat

READ_CVAT = """
import json, sys
from datumaro.components.dataset import Dataset
from datumaro.components.annotation import AnnotationType
dataset = Dataset.import_from(sys.argv[1], "cvat")
labels = dataset.categories()[AnnotationType.label]
found = []
for item in dataset:
    for a in item.annotations:
        if a.type == AnnotationType.bbox and not a.attributes.get("outside", False):
            found.append([labels[a.label].name, a.attributes["track_id"], item.attributes["frame"], a.x, a.y, a.w, a.h])
print("FOUND" + json.dumps(sorted(found)))
"""


def test_datumaro_reads_the_tracks_of_cvat(tmp_path: Path) -> None:
    python = interpreter_with("datumaro")
    file = exported(BY_HAND, "cvat", tmp_path)
    done = subprocess.run(
        [python, "-c", READ_CVAT, str(file)], capture_output=True, text=True, timeout=120, cwd=tmp_path
    )
    assert "FOUND" in done.stdout, done.stderr
    rows = json.loads(done.stdout.split("FOUND")[1].splitlines()[0])
    scene = by_hand()
    for place, track in enumerate(scene.tracks):
        own = {row[2]: [row[3], row[4], row[3] + row[5], row[4] + row[6]] for row in rows if row[1] == track.id}
        same(own, boxes_by_frame(scene, place))
        assert {row[0] for row in rows if row[1] == track.id} == {track.label}


def cvat_boxes(text: str) -> list[dict[str, str]]:
    return [box.attrib for box in Xml.fromstring(text).iter("box")]


def test_cvat_ends_each_stretch_with_an_outside_box() -> None:
    boxes = cvat_boxes(cvat.write(by_hand(tracks=(1,))))
    assert [(box["frame"], box["outside"], box["keyframe"]) for box in boxes] == [
        ("1", "0", "1"), ("2", "0", "1"), ("3", "0", "1"), ("4", "1", "1"),
        ("6", "0", "1"), ("7", "0", "1"), ("8", "1", "1"),
    ]  # fmt: skip


def test_cvat_of_a_stride_has_keyframes_where_the_log_has_frames(tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.jsonl", {1: moving(7)}, range(0, 7, 3))
    boxes = cvat_boxes(cvat.write(scene_of(log)))
    assert [box["keyframe"] for box in boxes] == list("1001001")


def test_cvat_counts_decoded_frames_where_some_were_lost(tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.jsonl", {1: moving(5)}, range(5), pts=lambda i: [0, 1, 2, 6, 7][i])
    assert [box["frame"] for box in cvat_boxes(cvat.write(scene_of(log)))] == list("01234")
