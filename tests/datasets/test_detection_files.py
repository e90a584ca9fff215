from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidtrack.core.errors import DataError, UsageError
from vidtrack.datasets.detection_files import read_detections

IMAGES = {
    "images": [{"id": 10 + n, "file_name": f"shot/{n:06}.jpg", "width": 640, "height": 480} for n in (1, 2, 3)],
    "categories": [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}],
    "annotations": [],
}


def write(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def result(image: int, score: float = 0.5, category: int = 7) -> dict[str, Any]:
    return {"image_id": image, "category_id": category, "bbox": [10, 20, 30, 40], "score": score}


def test_mot_frames_and_pixels_count_from_one(tmp_path: Path) -> None:
    found = read_detections(write(tmp_path / "det.txt", "2,-1,11,21,30,40,0.5\n4,-1,1,1,2,3,0.25\n"))
    assert found.class_names == ("object",)
    assert sorted(found.frames) == [1, 3]
    np.testing.assert_allclose(found.frames[1].boxes_xyxy, [[10, 20, 40, 60]])
    assert found.frames[3].scores.tolist() == [0.25]


def test_mot_frames_without_rows_were_looked_at_unless_out_of_step(tmp_path: Path) -> None:
    every = read_detections(write(tmp_path / "a.txt", "1,-1,1,1,9,9,1\n2,-1,1,1,9,9,1\n5,-1,1,1,9,9,1\n"))
    assert (sorted(every.frames), every.step) == ([0, 1, 2, 3, 4], 1)
    third = read_detections(write(tmp_path / "b.txt", "1,-1,1,1,9,9,1\n4,-1,1,1,9,9,1\n10,-1,1,1,9,9,1\n"))
    assert (sorted(third.frames), third.step) == ([0, 3, 6, 9], 3)
    assert len(third.frames[6]) == 0


def test_the_sequence_file_of_mot_tells_size_and_rate(tmp_path: Path) -> None:
    (tmp_path / "det").mkdir()
    write(tmp_path / "seqinfo.ini", "[Sequence]\nname=a\nframeRate=29.97\nimWidth=640\nimHeight=480\n")
    found = read_detections(write(tmp_path / "det/det.txt", "1,-1,1,1,9,9,1\n"))
    assert (found.size, found.frames_per_second) == ((640, 480), Fraction("29.97"))


def test_labels_name_the_classes_of_mot_rows(tmp_path: Path) -> None:
    write(tmp_path / "labels.txt", "car\nbus\n")
    found = read_detections(write(tmp_path / "det.txt", "1,-1,1,1,9,9,1,2,1\n"))
    assert found.class_names == ("car", "bus")
    assert found.frames[0].classes.tolist() == [1]


def test_a_missing_score_counts_as_certain(tmp_path: Path) -> None:
    for row in ("1,-1,1,1,9,9", "1,-1,1,1,9,9,-1,-1,-1,-1"):
        assert read_detections(write(tmp_path / "det.txt", row)).frames[0].scores.tolist() == [1.0]


def test_other_scores_need_their_range(tmp_path: Path) -> None:
    path = write(tmp_path / "det.txt", "1,-1,1,1,9,9,-4\n1,-1,1,1,9,9,25\n1,-1,1,1,9,9,150\n")
    with pytest.raises(DataError, match="scores from -4 to 150, not from 0 to 1"):
        read_detections(path)
    assert read_detections(path, score_range=(0, 100)).frames[0].scores.tolist() == [0, 0.25, 1]


def test_coco_annotations_bring_their_own_images_and_names(tmp_path: Path) -> None:
    annotations = [result(12, 0.9, 3) | {"id": 1}, result(13) | {"id": 2, "iscrowd": 1}]
    found = read_detections(write(tmp_path / "a.json", IMAGES | {"annotations": annotations}))
    assert (found.class_names, found.size) == (("dog", "cat"), (640, 480))
    assert {index: len(one) for index, one in found.frames.items()} == {0: 0, 1: 1, 2: 0}
    np.testing.assert_allclose(found.frames[1].boxes_xyxy, [[10, 20, 40, 60]])
    assert found.frames[1].classes.tolist() == [1]


def test_coco_results_take_frames_and_names_from_the_images_file(tmp_path: Path) -> None:
    images = write(tmp_path / "images.json", IMAGES)
    found = read_detections(write(tmp_path / "r.json", [result(13)]), images)
    assert {index: len(one) for index, one in found.frames.items()} == {0: 0, 1: 0, 2: 1}
    with pytest.raises(DataError, match="result of image 99"):
        read_detections(write(tmp_path / "s.json", [result(99)]), images)


def test_coco_results_alone_count_frames_by_image_id(tmp_path: Path) -> None:
    found = read_detections(write(tmp_path / "r.json", [result(1), result(3, category=2)]))
    assert found.class_names == ("category 2", "category 7")
    assert {index: len(one) for index, one in found.frames.items()} == {0: 1, 1: 0, 2: 1}
    from_zero = read_detections(write(tmp_path / "z.json", [result(0), result(1)]))
    assert {index: len(one) for index, one in from_zero.frames.items()} == {0: 1, 1: 1}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.json", "{", "is not JSON"),
        ("a.json", {"objects": []}, "neither COCO annotations nor COCO results"),
        ("a.json", [], "has no detections"),
        ("a.json", [{"image_id": 1}], "missing required field"),
        ("a.json", [result(1, float("nan"))], "a score that is not a number"),
        ("a.json", [result(1) | {"bbox": [1, 2, -3, 4]}], r"a box of image 1 is \[1.0, 2.0, -3.0, 4.0\]"),
        ("a.json", [result(1) | {"image_id": "front"}], "'front' is not a frame number"),
        ("a.txt", "hello", "not numbers: 'hello'"),
        ("a.txt", "", "has no detections"),
        ("a.jsonl", "{}", "is not a file of detections"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_detections_is_refused_in_one_line(
    tmp_path: Path, name: str, content: Any, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        read_detections(write(tmp_path / name, content))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "1,-1,1,1,9,9,1\n20261129,-1,1,1,9,9,1"),
        ("a.json", [result(1), result(10**12)]),
        ("a.json", IMAGES | {"images": [{"id": n, "file_name": f"IMG_{20261129 + n}.jpg"} for n in (11, 13)],
                             "annotations": [result(11) | {"id": 1}]}),
        ("a.json", IMAGES | {"images": [{"id": n, "file_name": f"{n}{'9' * 5000}.jpg"} for n in (11, 13)],
                             "annotations": [result(11) | {"id": 1}]}),
    ],
)  # fmt: skip
def test_dates_and_ids_are_not_taken_for_millions_of_frames(tmp_path: Path, name: str, content: Any) -> None:
    with pytest.raises(DataError, match=r"a\..* has frame \d+, and a clip may have 10,000,000 frames"):
        read_detections(write(tmp_path / name, content))


def test_an_image_id_that_is_no_number_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", json.dumps([result(1)]).replace(": 1,", ": 1e400,"))
    with pytest.raises(DataError, match="image_id inf is not a frame number"):
        read_detections(path)


def test_several_videos_and_sizes_are_refused(tmp_path: Path) -> None:
    images = [dict(image, video_id=n) for n, image in enumerate(IMAGES["images"])]
    with pytest.raises(DataError, match="images of 3 videos"):
        read_detections(
            write(tmp_path / "a.json", IMAGES | {"images": images, "annotations": [result(11) | {"id": 1}]})
        )
    images = [dict(image, width=100 + n) for n, image in enumerate(IMAGES["images"])]
    with pytest.raises(DataError, match="images of 3 sizes"):
        read_detections(
            write(tmp_path / "a.json", IMAGES | {"images": images, "annotations": [result(11) | {"id": 1}]})
        )


def test_an_images_file_without_results_is_refused(tmp_path: Path) -> None:
    images = write(tmp_path / "images.json", IMAGES)
    with pytest.raises(UsageError, match="lists its own images"):
        read_detections(images, images)
    with pytest.raises(UsageError, match=r"is not a \.json file"):
        read_detections(write(tmp_path / "det.txt", "1,-1,1,1,9,9,1"), images)
    with pytest.raises(DataError, match="is a folder"):
        read_detections(tmp_path)
