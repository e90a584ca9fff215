"""CVAT, MOTChallenge, COCO, Label Studio and tables: read back by the libraries that use them."""

from __future__ import annotations

import csv
import json
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import cv2
import numpy as np
import pytest

from tests.export.scenes import BY_HAND, by_hand, exported, interpreter_with, moving, scene_of, write_log
from tests.export.test_compositing import boxes_by_frame, same
from vidtrack.core.errors import UsageError
from vidtrack.datasets.mot import MOT_PIXEL, read_rows
from vidtrack.export import cvat, datasets, label_studio, tables
from vidtrack.export.build import ExportConfig
from vidtrack.export.registry import find_formats
from vidtrack.export.run import export_log, plan_outputs

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


def test_mot_is_what_the_evaluation_reads(tmp_path: Path) -> None:
    file = exported(BY_HAND, "mot", tmp_path)
    rows = read_rows(file)
    scene = by_hand()
    for place, track in enumerate(scene.tracks):
        own = rows.ids == track.id
        found = dict(zip((rows.frames[own] - 1).tolist(), (rows.boxes_xyxy[own] - MOT_PIXEL).tolist(), strict=True))
        same(found, boxes_by_frame(scene, place))
        np.testing.assert_allclose(rows.scores[own], track.scores)
    assert np.all(np.diff(rows.frames) >= 0)
    assert file.read_text("utf-8").splitlines()[1] == "2,1,11.25,21,40.5,100,0.85,-1,-1,-1"


def test_trackeval_scores_the_tracks_against_themselves_as_perfect(tmp_path: Path) -> None:
    text = datasets.write_mot(by_hand())
    truth, found = tmp_path / "gt.txt", tmp_path / "found.txt"
    truth.write_text("".join(",".join([*line.split(",")[:6], "1,1,1"]) + "\n" for line in text.splitlines()), "utf-8")
    found.write_text(text, "utf-8")
    assert trackeval_hota(tmp_path, truth, found) == pytest.approx(1)


def trackeval_hota(folder: Path, truth: Path, found: Path) -> float:
    trackeval = pytest.importorskip("trackeval", reason="scores MOT files")
    for name, file, inner in (
        ("gt/MOT17-train/shot", truth, "gt/gt.txt"),
        ("found/MOT17-train/us/data", found, "shot.txt"),
    ):
        target = folder / name / inner
        target.parent.mkdir(parents=True)
        target.write_bytes(file.read_bytes())
    (folder / "gt/MOT17-train/shot/seqinfo.ini").write_text("[Sequence]\nname=shot\nseqLength=10\n", "utf-8")
    dataset = trackeval.datasets.MotChallenge2DBox(
        {
            "GT_FOLDER": str(folder / "gt"),
            "TRACKERS_FOLDER": str(folder / "found"),
            "SEQ_INFO": {"shot": 10},
            "DO_PREPROC": False,
            "PRINT_CONFIG": False,
            "SKIP_SPLIT_FOL": False,
        }
    )
    raw = dataset.get_raw_seq_data("us", "shot")
    data = dataset.get_preprocessed_seq_data(raw, "pedestrian")
    return float(trackeval.metrics.HOTA().eval_sequence(data)["HOTA"].mean())


def test_pycocotools_reads_videos_and_tracks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    coco_module = pytest.importorskip("pycocotools.coco", reason="reads the annotations")
    file = exported(BY_HAND, "coco", tmp_path)
    coco = coco_module.COCO(str(file))
    scene = by_hand()
    assert [category["name"] for category in coco.loadCats(coco.getCatIds())] == ["person", "traffic light"]
    assert len(coco.getImgIds()) == 10
    found: dict[int, list[float]] = {}
    for image in coco.loadImgs(coco.getImgIds()):
        for annotation in coco.loadAnns(coco.getAnnIds(image["id"])):
            x, y, width, height = annotation["bbox"]
            if annotation["track_id"] == 1:
                found[image["frame_index"]] = [x, y, x + width, y + height]
    same(found, boxes_by_frame(scene))
    document = json.loads(file.read_text("utf-8"))
    assert document["tracks"] == [
        {"id": 1, "video_id": 1, "category_id": 1},
        {"id": 2, "video_id": 1, "category_id": 2},
    ]
    assert {a["area"] for a in document["annotations"] if a["track_id"] == 2} == {300.0}
    results = [
        {"image_id": a["image_id"], "category_id": a["category_id"], "bbox": a["bbox"], "score": a["score"]}
        for a in document["annotations"]
    ]
    assert len(coco.loadRes(results).anns) == 8
    capsys.readouterr()


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


def test_csv_has_a_row_a_box_with_time_and_timecode(tmp_path: Path) -> None:
    with exported(BY_HAND, "csv", tmp_path).open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 8
    assert rows[0] == {
        "frame": "0", "index": "0", "seconds": "0", "timecode": "00:00:59;28", "id": "2", "class": "traffic light",
        "score": "0.75", "left": "300.0", "top": "10.0", "right": "310.0", "bottom": "40.0", "state": "detected",
    }  # fmt: skip
    assert [(row["frame"], row["id"]) for row in rows][:4] == [("0", "2"), ("1", "1"), ("1", "2"), ("2", "1")]
    assert [row["timecode"] for row in rows if row["id"] == "1"][:3] == ["00:00:59;29", "00:01:00;02", "00:01:00;03"]
    assert [row["state"] for row in rows if row["id"] == "1"] == ["detected", "detected", "predicted", "detected", "detected"]  # fmt: skip  # noqa: E501


def test_tables_hold_only_what_was_logged(tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.jsonl", {1: moving(9)}, range(0, 9, 2))
    text = tables.write_csv(scene_of(log))
    assert [line.split(",")[0] for line in text.splitlines()[1:]] == ["0", "2", "4", "6", "8"]


def test_parquet_holds_the_same_rows(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="reads Parquet")
    table = parquet.read_table(exported(BY_HAND, "parquet", tmp_path))
    rows = table.to_pylist()
    found = {row["frame"]: [row[side] for side in ("left", "top", "right", "bottom")] for row in rows if row["id"] == 1}
    same(found, boxes_by_frame(by_hand()))
    assert str(table.schema.field("frame").type) == "int64"
    assert table.schema.metadata[b"vidtrack.rate"] == b"30000/1001"


def test_without_pyarrow_the_other_formats_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    log = write_log(tmp_path / "a.tracks.jsonl", {1: moving(5)}, range(5))
    with pytest.raises(UsageError, match=r"needs the package pyarrow; .*pip install 'vidtrack\[parquet\]'"):
        exported_all(log, ("parquet", "csv", "mot"))
    assert (tmp_path / "a.tracks.csv").exists() and (tmp_path / "a.mot.txt").exists()


def test_a_log_without_tracks_is_an_empty_table(tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.tracks.jsonl", {}, range(5))
    exported_all(log, ("csv", "mot", "coco"))
    assert (tmp_path / "a.mot.txt").read_text() == ""
    assert len((tmp_path / "a.tracks.csv").read_text().splitlines()) == 1
    coco = json.loads((tmp_path / "a.coco.json").read_text())
    assert (len(coco["images"]), coco["annotations"], coco["tracks"]) == (5, [], [])
    assert len(pytest.importorskip("pyarrow.parquet").read_table(exported(log, "parquet", tmp_path))) == 0
    with pytest.raises(UsageError, match=r"has no tracks, and nuke cannot be empty"):
        exported_all(log, ("csv", "nuke"))


def exported_all(log: Path, names: tuple[str, ...]) -> None:
    formats = find_formats(names)
    export_log(log, formats, plan_outputs({log: Path()}, formats, None)[log], ExportConfig())


def test_a_variable_rate_is_no_matter_for_rows_and_decoded_frames(tmp_path: Path) -> None:
    pts = [0, 33, 67, 100, 150, 200]
    log = write_log(tmp_path / "a.jsonl", {1: moving(6)}, range(6), Fraction(24), lambda i: pts[i], Fraction(1, 1000))
    scene = scene_of(log)
    assert [line.split(",")[2] for line in tables.write_csv(scene).splitlines()[1:]] == [
        "0", "0.033", "0.067", "0.1", "0.15", "0.2",
    ]  # fmt: skip
    assert [line.split(",")[0] for line in datasets.write_mot(scene).splitlines()] == list("123456")
    assert [box["frame"] for box in cvat_boxes(cvat.write(scene))] == list("012345")


def test_yolo_is_read_by_supervision(tmp_path: Path) -> None:
    supervision = pytest.importorskip("supervision", reason="reads YOLO data sets")
    log = write_log(tmp_path / "a.tracks.jsonl", {1: moving(5)}, range(0, 9, 2))
    scene = scene_of(log)
    folder = exported(log, "yolo", tmp_path)
    images = tmp_path / "images"
    images.mkdir()
    for label in folder.glob("*.txt"):
        cv2.imwrite(str(images / f"{label.stem}.jpg"), np.zeros((scene.size[1], scene.size[0], 3), np.uint8))
    data = supervision.DetectionDataset.from_yolo(str(images), str(folder), str(folder / "data.yaml"))
    assert data.classes == list(scene.class_names)
    found = {Path(name).stem: detections for name, _, detections in data}
    assert sorted(found) == [f"{scene.name}_{index:06}" for index in range(0, 9, 2)]
    for index in (0, 2, 4):
        np.testing.assert_allclose(found[f"{scene.name}_{index:06}"].xyxy[0], moving(5)[index], atol=0.01)
    assert len(found[f"{scene.name}_000008"]) == 0
