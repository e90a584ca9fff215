"""MOTChallenge, COCO and YOLO, read back by TrackEval, pycocotools and supervision."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.export.readers import boxes_by_frame, same
from tests.export.scenes import BY_HAND, by_hand, exported, interpreter_with, moving, scene_of, write_log
from vidtrack.datasets.mot import MOT_PIXEL, read_rows
from vidtrack.export import datasets


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


READ = """
import json, sys
from datumaro.components.dataset import Dataset
from datumaro.components.annotation import AnnotationType
dataset = Dataset.import_from(sys.argv[1], sys.argv[2])
labels = dataset.categories()[AnnotationType.label]
found = [
    [item.id, "" if a.label is None else labels[a.label].name, a.attributes, [a.x, a.y, a.w, a.h]]
    for item in dataset for a in item.annotations
]
print("FOUND" + json.dumps([len(dataset), found]))
"""


def test_datumaro_reads_mot_and_coco(tmp_path: Path) -> None:
    """Datumaro counts MOT's pixels from 0, and takes the score of a result for the mark of what is not ignored."""
    python, scene = interpreter_with("datumaro"), by_hand()
    truth, annotations = tmp_path / "mot" / "gt", tmp_path / "coco" / "annotations"
    (tmp_path / "coco" / "images").mkdir(parents=True)
    for name, target in (("mot", truth / "gt.txt"), ("coco", annotations / "instances_default.json")):
        target.parent.mkdir(parents=True)
        exported(BY_HAND, name, tmp_path).rename(target)

    def read(name: str, format_: str) -> Any:
        command = [python, "-c", READ, str(tmp_path / name), format_]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=tmp_path)
        assert "FOUND" in done.stdout, done.stderr
        return json.loads(done.stdout.split("FOUND")[1].splitlines()[0])

    boxes = {
        (frame, track.id, track.label): [box[0], box[1], box[2] - box[0], box[3] - box[1]]
        for place, track in enumerate(scene.tracks)
        for frame, box in boxes_by_frame(scene, place).items()
    }
    _, rows = read("mot", "mot_seq")
    found = {(int(frame) - 1, own["track_id"]): [x - 1, y - 1, w, h] for frame, _, own, (x, y, w, h) in rows}
    same(dict(sorted(found.items())), dict(sorted((key[:2], box) for key, box in boxes.items())))
    count, rows = read("coco", "coco_instances")
    assert count == 10
    shown = {(int(name.rpartition("/")[2]), label): box for name, label, _, box in rows}
    same(dict(sorted(shown.items())), dict(sorted(((frame, label), box) for (frame, _, label), box in boxes.items())))


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
