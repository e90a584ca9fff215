"""COCO files as ground truth and as results, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.evaluation.coco_cases import box, coco, found, written
from vidtrack.core.errors import DataError
from vidtrack.evaluation.coco_truth import read_results, read_truth

PERSON = 1


@pytest.mark.parametrize("mark", ["iscrowd", "ignore"])
@pytest.mark.parametrize("value", ["0", "no", 2, [0]])
def test_a_mark_that_is_no_truth_value(tmp_path: Path, mark: str, value: object) -> None:
    path = coco(tmp_path / "t.json", [box("p0", PERSON, 50, **{mark: value})])
    with pytest.raises(DataError, match=rf"- at `\$.annotations\[0\].{mark}`"):
        read_truth(path)


def test_results_may_be_an_annotation_file_with_scores(tmp_path: Path) -> None:
    truth = read_truth(coco(tmp_path / "t.json", [box("p0", PERSON, 50)]))
    rows, notes = read_results(written(tmp_path / "r.json", {"annotations": [found("p0", PERSON, 50)]}), truth)
    assert rows.tolist() == [[0, 0, 0, 50, 50, 0.9, 0]] and notes == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"annotations": [{"id": 7, "image_id": "p9", "category_id": 1, "bbox": [0, 0, 1, 1]}]},
            "7 refers to image 'p9'",
        ),
        (
            {"annotations": [{"id": 7, "image_id": "p0", "category_id": 9, "bbox": [0, 0, 1, 1]}]},
            "7 refers to category 9",
        ),
        ({"annotations": [{"id": 7, "image_id": "p0", "category_id": 1, "bbox": [0, 0, 1]}]}, "annotation 7 has bbox"),
        ({"annotations": [{"id": 7, "image_id": "p0", "category_id": 1, "bbox": [0, 0, -1, 1]}]}, "7 has bbox"),
        ({"annotations": ["dog"]}, r"Expected `object`, got `str` - at `\$.annotations\[0\]`"),
        ({"annotations": []}, "no boxes that count"),
        ({"images": [{"file_name": "x"}]}, r"missing required field `id` - at `\$.images\[0\]`"),
        ({"images": [{"id": "p0"}, {"id": "p0"}]}, "2 images share 1 ids"),
        ({"categories": [{"id": 1, "name": "person"}, {"id": 1, "name": "dog"}]}, "2 categories share 1 ids"),
        ({"categories": [{"id": None, "name": "person"}]}, "got `null`"),
        (
            {"images": [{"id": "p0", "labelled_classes": "person"}]},
            "got `str`",
        ),
        ({"images": [{"id": "p0", "labelled_classes": 3}]}, "got `int`"),
        ({"images": [{"id": "p0", "labelled_classes": ["dragon"]}]}, r"labelled_classes of image p0 are \[.dragon"),
        ({"annotations": [{"id": 7, "image_id": "p0", "category_id": 1, "bbox": [0, 0, 1e300, 1e300]}]}, "7 has bbox"),
        (
            {"annotations": [{"id": 7, "image_id": "p0", "category_id": 1.5, "bbox": [0, 0, 1, 1]}]},
            "to category 1.5",
        ),
        ({"categories": None}, r"Expected `array`, got `null` - at `\$.categories`"),
    ],
)
def test_wrong_annotations_are_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = coco(tmp_path / "t.json", [box("p0", PERSON, 50)])
    written(path, json.loads(path.read_text()) | change)
    with pytest.raises(DataError, match=said):
        read_truth(path)


@pytest.mark.parametrize(
    ("results", "said"),
    [
        ([], "has no results"),
        ({"dogs": 1}, "is not a list of results"),
        ([{"image_id": "p0"}], "missing required field `category_id`"),
        ([box("p0", PERSON, 50)], r"missing required field `score` - at `\$\[0\]`"),  # without a score
        ([found("p0", PERSON, -1)], "result 0 has bbox"),
        ([found("p0", PERSON, 5, score=float("nan"))], "result 0 has bbox"),
        ([found("p0", PERSON, 1e300)], "result 0 has bbox"),
        ([found("p0", PERSON + 0.5, 5)], "no result in .* is for a scored category of"),
        ([found(5, PERSON, 5), found(6, PERSON, 5)], "no result in .* is for a scored image of"),
        ([found("p0", 77, 5)], "no result in .* is for a scored category of"),
    ],
)
def test_wrong_results_are_named(tmp_path: Path, results: Any, said: str) -> None:
    truth = read_truth(coco(tmp_path / "t.json", [box("p0", PERSON, 50)]))
    with pytest.raises(DataError, match=said):
        read_results(written(tmp_path / "r.json", results), truth)
