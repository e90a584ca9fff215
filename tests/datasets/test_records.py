from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.media import Clip, write_clip
from tests.training.conftest import CLASSES, edit, mot_folder, write_coco
from vidtrack.core.errors import DataError
from vidtrack.datasets.mot_images import FrameCache
from vidtrack.datasets.records import Record, SetConfig, load_set
from vidtrack.model.image_inference import read_image

NO_CACHE = FrameCache(Path("unused"), 64)


def load(path: Path, **fields: object) -> list[Record]:
    return load_set(SetConfig("set", str(path), **fields), CLASSES, NO_CACHE)  # type: ignore[arg-type]


def test_coco_boxes_and_labels(tmp_path: Path) -> None:
    path = write_coco(tmp_path)
    record = load(path)[0]
    box = json.loads(path.read_text())["annotations"][0]["bbox"]
    np.testing.assert_allclose(record.boxes_xyxy[0], [box[0], box[1], box[0] + box[2], box[1] + box[3]])
    assert record.labels.tolist() == [0, 1]
    assert record.labelled.all()
    assert record.complete


def test_partly_labelled_pictures(tmp_path: Path) -> None:
    record = load(write_coco(tmp_path, labelled_classes=["car"], complete=False))[0]
    assert record.labelled.tolist() == [False, True, False]
    assert not record.complete


@pytest.mark.parametrize("value", [1, True])
def test_crowds_are_ignored_regions(tmp_path: Path, value: object) -> None:
    path = edit(write_coco(tmp_path), lambda v: v["annotations"][0].update(iscrowd=value, ignore=None))
    record = load(path)[0]
    assert len(record.ignored_xyxy) == 1
    assert record.labels.tolist() == [1]


def test_boxes_of_a_detector_count_by_their_score(tmp_path: Path) -> None:
    scores = iter([0.41, 0.3, 0.1, 0.9])

    def graded(values: dict) -> None:
        values["annotations"] = [{**row, "score": next(scores)} for row in values["annotations"][:4]]
        for row in values["annotations"]:
            row["image_id"] = values["images"][0]["id"]

    record = load(edit(write_coco(tmp_path), graded), positive=0.35, sure=0.5, ignore=0.2)[0]
    rows = json.loads((tmp_path / "train.json").read_text())["annotations"]
    slots = [{1: 0, 3: 1}[row["category_id"]] for row in rows]
    assert record.labels.tolist() == [slots[0], slots[3]]
    assert record.trust is not None and record.ignored_labels is not None
    assert record.trust.tolist() == pytest.approx([0.7, 1.0])
    assert record.ignored_labels.tolist() == [slots[1]]
    x, y, width, height = rows[1]["bbox"]
    np.testing.assert_allclose(record.ignored_xyxy, [[x, y, x + width, y + height]])


@pytest.mark.parametrize("score", ["high", 1.5, float("nan"), True])
def test_a_score_that_is_none_is_named(tmp_path: Path, score: object) -> None:
    path = edit(write_coco(tmp_path), lambda v: v["annotations"][0].update(score=score))
    with pytest.raises(DataError, match="score"):
        load(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda v: v["annotations"][1].update(bbox=[0, 0, -3, 5]), "annotation 2 has bbox"),
        (lambda v: v["annotations"][1].update(bbox=[0, 0, float("nan"), 5]), "annotation 2 has bbox"),
        (lambda v: v["annotations"][1].update(bbox="10,10,5,5"), r"got `str` - at `\$.annotations\[1\].bbox`"),
        (lambda v: v["annotations"][1].update(bbox=[0, 0, 1e39, 5]), "annotation 2 has bbox"),
        (
            lambda v: v["annotations"][1].update(bbox=[0, 0, 10**400, 5]),
            r"range - at `\$.annotations\[1\].bbox\[2\]`",
        ),
        (lambda v: v["annotations"][1].update(category_id=77), "annotation 2 refers to category 77"),
        (lambda v: v["annotations"][1].update(image_id=77), "annotation 2 refers to image 77"),
        (lambda v: v["annotations"][1].update(category_id=[1]), r"got `array` - at `\$.annotations\[1\].category_id`"),
        (
            lambda v: v["annotations"][1].pop("image_id"),
            r"required field `image_id` - at `\$.annotations\[1\]`",
        ),
        (lambda v: v["annotations"][1].update(segmentation=[[1, 2, 3]]), "annotation 2 has polygon"),
        (
            lambda v: v["annotations"][1].update(segmentation=[[1, 2, float("nan"), 4, 5, 6]]),
            "annotation 2 has polygon",
        ),
        (lambda v: v["annotations"][1].update(iscrowd="0"), r"got `str` - at `\$.annotations\[1\].iscrowd`"),
        (lambda v: v["annotations"][1].update(ignore="no"), r"got `str` - at `\$.annotations\[1\].ignore`"),
        (lambda v: v["images"][2].update(complete="false"), r"got `str` - at `\$.images\[2\].complete`"),
        (lambda v: v["annotations"].append(5), r"Expected `object`, got `int` - at `\$.annotations\[8\]`"),
        (lambda v: v["images"][2].pop("file_name"), "image 12 has no file_name"),
        (lambda v: v["images"][2].update(width="96"), r"got `str` - at `\$.images\[2\].width`"),
        (lambda v: v["images"][2].update(height=0), "image 12 is 96.0 x 0"),
        (lambda v: v["images"][2].update(height=float("nan")), "image 12 is 96.0 x nan"),
        (lambda v: v["images"][2].update(id=10), "4 images share 3 ids"),
        (lambda v: v["categories"][2].update(id=1), "3 categories share 2 ids"),
        (lambda v: v["images"][2].update(labelled_classes=["persn"]), r"labelled_classes of image 12 are \[.persn"),
        (lambda v: v["images"][2].update(labelled_classes=5), r"got `int` - at `\$.images\[2\].labelled_classes`"),
        (lambda v: v["categories"][0].pop("name"), r"missing required field `name` - at `\$.categories\[0\]`"),
        (lambda v: v.pop("categories"), "missing required field `categories`"),
    ],
)
def test_bad_coco_is_named(tmp_path: Path, change: object, said: str) -> None:
    with pytest.raises(DataError, match=said):
        load(edit(write_coco(tmp_path), change))


def test_missing_file_and_picture_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*none\.json: No such file"):
        load(tmp_path / "none.json")
    with pytest.raises(DataError, match=r"cannot read .*: Is a directory"):
        load(tmp_path)
    for content in (b"\xff", b"[" * 100_000):
        (tmp_path / "binary.json").write_bytes(content)
        with pytest.raises(DataError, match="not JSON"):
            load(tmp_path / "binary.json")
    for kind in ("coco", "mot"):
        with pytest.raises(DataError, match="is not"):
            load(Path("a\0b"), kind=kind)
    record = load(write_coco(tmp_path))[0]
    record.path.write_bytes(b"")
    with pytest.raises(DataError, match=r"000\.png: damaged, or of an unknown format"):
        read_image(record)
    record.path.unlink()
    with pytest.raises(DataError, match=r"000\.png: No such file"):
        read_image(record)
    os.mkfifo(record.path)
    with pytest.raises(DataError, match=r"000\.png: not a regular file"):
        read_image(record)
    for name in ("a\0b.png", "\ud800.png"):
        with pytest.raises(DataError, match="not a valid file name"):
            read_image(replace(record, path=tmp_path / name))


def test_mot_rows(tmp_path: Path) -> None:
    folder = mot_folder(
        tmp_path / "clip", "1,7,11,21,10,20,1,-1,-1,-1\n1,8,1,1,5,5,0,-1,-1,-1\n3,7,12,21,10,20,1,-1,-1,-1\n"
    )
    records = load(folder, kind="mot")
    assert [len(record.labels) for record in records] == [1, 0, 1]
    np.testing.assert_allclose(records[0].boxes_xyxy, [[10, 20, 20, 40]])
    np.testing.assert_allclose(records[0].ignored_xyxy, [[0, 0, 5, 5]])
    assert records[2].ids.tolist() == [7]
    assert records[2].seconds == pytest.approx(0.2)
    assert records[0].labelled.tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("1,7,11,21,1e7,20,1\n", r"has box \[11.0, 21.0, 10000011.0, 41.0\] in frame 1"),
        ("9,7,11,21,10,20,1\n", "has boxes in frame 9, which has no image in .*img1"),
        ("0,7,11,21,10,20,1\n", "line 1: the frame is before 1"),
        ("1.5,7,11,21,10,20,1\n", "line 1: the frame is not a whole number"),
        ("1,7.5,11,21,10,20,1\n", "line 1: the id is not a whole number"),
        ("1,7,11,21,nan,20,1\n", "line 1: a value is not finite"),
        ("1,7,11\n", "line 1: 3 values"),
        ("a,b\n", "line 1: not numbers"),
        ("2,1,11,21,10,20,-1,-1,-1,-1\n", r"has score -1 in frame 2 \(in ground truth 1 counts and 0 is ignored"),
        ("2,7,11,21,10,20,1\n2,7,30,21,10,20,1\n", "id 7 more than once in frame 2"),
    ],
)
def test_bad_mot_is_named(tmp_path: Path, rows: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        load(mot_folder(tmp_path / "clip", rows), kind="mot")


def test_a_sequence_without_objects(tmp_path: Path) -> None:
    assert [len(record.labels) for record in load(mot_folder(tmp_path / "clip", ""), kind="mot")] == [0, 0, 0]


@pytest.mark.parametrize(
    ("info", "said"),
    [
        ("nonsense", r"no \[Sequence\] section"),
        ("[Sequence]\nimWidth=64\nimHeight=0\n", "has imHeight 0"),
        ("[Sequence]\nimWidth=64\nimHeight=48\nframeRate=fast\n", "has frameRate fast"),
        ("[Sequence]\nimWidth=64\nimHeight=48\nframeRate=0\n", "has frameRate 0"),
    ],
)
def test_bad_sequence_facts_are_named(tmp_path: Path, info: str, said: str) -> None:
    folder = mot_folder(tmp_path / "clip", "1,7,11,21,10,20,1\n")
    (folder / "seqinfo.ini").write_text(info)
    with pytest.raises(DataError, match=said):
        load(folder, kind="mot")


def test_a_video_is_decoded_once_and_never_taken_for_another(tmp_path: Path) -> None:
    cache = FrameCache(tmp_path / "cache", 64)
    for number, frames in enumerate((3, 5)):
        folder = tmp_path / str(number) / "clip"
        (folder / "gt").mkdir(parents=True)
        write_clip(folder / "a.mp4", Clip(frames=frames))
        (folder / "seqinfo.ini").write_text("[Sequence]\nimWidth=160\nimHeight=68\n")
        (folder / "gt" / "gt.txt").write_text("1,7,11,21,10,20,1\n")
    first, second = (SetConfig("set", str(tmp_path / name / "clip"), kind="mot") for name in "01")
    records = load_set(first, CLASSES, cache)
    assert [read_image(record).shape for record in records] == [(27, 64, 3)] * 3
    before = records[0].path.stat().st_mtime_ns
    assert load_set(first, CLASSES, cache)[0].path.stat().st_mtime_ns == before
    assert len(load_set(second, CLASSES, cache)) == 5
    (tmp_path / "1" / "clip" / "a.mp4").replace(tmp_path / "0" / "clip" / "a.mp4")
    with pytest.raises(DataError, match=r"holds frames of another a\.mp4"):
        load_set(first, CLASSES, cache)


CVAT = """1,1,10.0,20.0,10.0,20.0,1,2,1.0
1,2,30.0,5.0,12.5,8.0,1,1,1.0
2,1,11.0,20.0,10.0,20.0,1,2,1.0
2,2,30.0,5.0,12.5,8.0,1,1,0.0
3,1,12.0,20.0,10.0,20.0,1,2,1.0
3,2,30.0,5.0,12.5,8.0,1,1,1.0
3,3,1.0,1.0,5.0,5.0,0,3,1.0
"""  # by Datumaro 1.13.12, which writes CVAT's "MOT 1.1", of boxes whose edges are counted from 0


@pytest.mark.parametrize("has_info", [True, False])
def test_classes_and_pixels_of_mot_files_from_cvat(tmp_path: Path, has_info: bool) -> None:
    folder = mot_folder(tmp_path / "clip", CVAT)
    (folder / "gt" / "labels.txt").write_text("car\nperson\nbear")
    if not has_info:
        (folder / "seqinfo.ini").unlink()
    records = load(folder, kind="mot")
    assert [record.labels.tolist() for record in records] == [[0, 1], [0, 1], [0, 1]]
    np.testing.assert_allclose(records[2].boxes_xyxy, [[12, 20, 22, 40], [30, 5, 42.5, 13]])
    np.testing.assert_allclose(records[2].ignored_xyxy, [[1, 1, 6, 6]])
    assert records[0].labelled.tolist() == [True, True, False]
    assert records[0].size == (64, 48)


@pytest.mark.parametrize(
    ("labels", "rows", "said"),
    [
        ("car\n", CVAT, r"has class 2 in frame 1 \(labels.txt names classes 1 to 1\)"),
        ("zebra\nlion\nbear\n", CVAT, "the model has no class of .*labels.txt"),
    ],
)
def test_labels_that_do_not_fit(tmp_path: Path, labels: str, rows: str, said: str) -> None:
    folder = mot_folder(tmp_path / "clip", rows)
    (folder / "gt" / "labels.txt").write_text(labels)
    with pytest.raises(DataError, match=said):
        load(folder, kind="mot")


def test_rows_without_identities_are_stills(tmp_path: Path) -> None:
    records = load(mot_folder(tmp_path / "clip", "1,-1,11,21,10,20,1\n1,-1,31,21,10,20,1\n"), kind="mot")
    assert len(records[0].labels) == 2 and records[0].sequence == "" and records[0].ids is None


def test_of_the_benchmark_classes_only_pedestrians_are_objects(tmp_path: Path) -> None:
    rows = "1,1,11,21,10,20,1,1,1\n1,2,31,21,10,20,1,3,1\n"
    record = load(mot_folder(tmp_path / "clip", rows), kind="mot")[0]
    np.testing.assert_allclose(record.boxes_xyxy, [[10, 20, 20, 40]])
    np.testing.assert_allclose(record.ignored_xyxy, [[30, 20, 40, 40]])


def test_images_are_found_by_the_number_of_their_frame(tmp_path: Path) -> None:
    folder = mot_folder(tmp_path / "clip", "2,7,11,21,10,20,1\n10,7,11,21,10,20,1\n", frames=12)
    for path in (folder / "img1").iterdir():
        path.rename(path.with_name(f"{int(path.stem)}.jpg"))
    annotated = {record.path.name for record in load(folder, kind="mot") if len(record.labels)}
    assert annotated == {"2.jpg", "10.jpg"}


def test_boxes_without_an_area_are_left_out_with_a_note(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = edit(write_coco(tmp_path), lambda v: v["annotations"][1].update(bbox=[10, 10, 5, 0]))
    assert load(path)[0].labels.tolist() == [0]
    assert "train.json: 1 boxes of zero width or height left out" in caplog.text
    folder = mot_folder(tmp_path / "clip", "1,7,11,21,0,20,1\n1,8,11,21,10,20,1\n")
    assert load(folder, kind="mot")[0].ids.tolist() == [8]
    assert "gt.txt: 1 boxes of zero width or height left out" in caplog.text


def test_boxes_of_polygons(tmp_path: Path) -> None:
    def bare(values: dict) -> None:
        values["annotations"][0].update(bbox=None, segmentation=[[5, 6, 20, 8, 12, 30], [2, 9, 3, 9, 3, 10]])
        values["annotations"][1].update(bbox=[], segmentation=[[1, 1, 9, 1, 9, 9]])

    record = load(edit(write_coco(tmp_path), bare))[0]
    np.testing.assert_allclose(record.boxes_xyxy, [[2, 6, 20, 30], [1, 1, 9, 9]])


def test_file_names_written_on_windows(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "train")
    edit(path, lambda v: [image.update(file_name=f"sub\\{image['file_name']}") for image in v["images"]])
    (tmp_path / "train/sub").mkdir()
    for image in (tmp_path / "train").glob("*.png"):
        image.rename(tmp_path / "train/sub" / image.name)
    assert read_image(load(path)[0]).shape == (64, 96, 3)
