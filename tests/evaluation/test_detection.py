"""COCO's figures, over partly labelled images too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidtrack.core.errors import DataError, UsageError
from vidtrack.datasets.mot_images import FrameCache
from vidtrack.datasets.records import SetConfig, load_set
from vidtrack.evaluation.coco_truth import CocoTruth, read_results, read_truth
from vidtrack.evaluation.detection import DetectionScores, score_detections
from vidtrack.training.evaluate import score as score_records

PERSON, CAR = 1, 3


def box(picture: Any, category: int, side: float, at: float = 0, **more: Any) -> dict[str, Any]:
    return {"image_id": picture, "category_id": category, "bbox": [at, 0, side, side], **more}


def found(picture: Any, category: int, side: float, at: float = 0, score: float = 0.9) -> dict[str, Any]:
    return box(picture, category, side, at, score=score)


def coco(path: Path, annotations: list[dict[str, Any]], pictures: int = 2, **labelled: list[str]) -> Path:
    """Images `p0`, `p1`, ...; `labelled` gives their labelled classes."""
    images: list[dict[str, Any]] = [
        {"id": f"p{n}", "file_name": f"{n}.png", "width": 300, "height": 300} for n in range(pictures)
    ]
    for image in images:
        if image["id"] in labelled:
            image["labelled_classes"] = labelled[image["id"]]
    categories = [{"id": PERSON, "name": "person"}, {"id": CAR, "name": "car"}]
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


def written(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value))
    return path


def scored(truth: CocoTruth, folder: Path, results: list[dict[str, Any]]) -> DetectionScores:
    rows, _ = read_results(written(folder / "results.json", results), truth)
    return score_detections(truth.dataset, rows, truth.labelled)


def test_sizes_and_classes(tmp_path: Path) -> None:
    truth = read_truth(coco(tmp_path / "t.json", [box("p0", PERSON, 20), box("p1", PERSON, 50), box("p1", CAR, 100)]))
    found_all = [found("p0", PERSON, 20), found("p1", PERSON, 30, at=200), found("p1", CAR, 100, score=0.1)]
    person, car = scored(truth, tmp_path, found_all).classes
    assert (person.name, person.boxes, person.images) == ("person", 2, 2)
    assert (person.ap_small, person.ap_medium, person.recall) == pytest.approx((1, 0, 0.5))
    assert person.ap50 == pytest.approx(51 / 101)  # precision 1 up to half the recall
    assert np.isnan(person.ap_large) and np.isnan(car.ap_small)
    means = scored(truth, tmp_path, found_all).means()
    assert (car.ap, means["ap_large"], means["ap_small"]) == pytest.approx((1, 1, 1))
    assert means["ap"] == pytest.approx((person.ap + 1) / 2)


def test_size_goes_by_the_area_of_the_annotation(tmp_path: Path) -> None:
    truth = read_truth(coco(tmp_path / "t.json", [box("p0", PERSON, 40, area=900)]))
    (person,) = scored(truth, tmp_path, [found("p0", PERSON, 40)]).classes
    assert person.ap_small == pytest.approx(1) and np.isnan(person.ap_medium)


def test_pictures_in_which_a_class_is_not_labelled_do_not_count(tmp_path: Path) -> None:
    annotations = [box("p0", PERSON, 50), box("p1", CAR, 50)]
    results = [found("p0", PERSON, 50), found("p1", PERSON, 50, at=99, score=0.99), found("p1", CAR, 50)]
    truth = read_truth(coco(tmp_path / "t.json", annotations, p1=["car"]))
    person, car = scored(truth, tmp_path, results).classes
    assert (person.ap50, person.images, car.images) == (pytest.approx(1), 1, 2)
    everywhere = read_truth(coco(tmp_path / "t.json", annotations))
    assert scored(everywhere, tmp_path, results).classes[0].ap50 == pytest.approx(0.5)


@pytest.mark.parametrize("mark", ["iscrowd", "ignore"])
def test_ignored_boxes_take_any_number_of_detections(tmp_path: Path, mark: str) -> None:
    truth = read_truth(coco(tmp_path / "t.json", [box("p0", PERSON, 50), box("p0", PERSON, 100, at=150, **{mark: 1})]))
    results = [found("p0", PERSON, 50), *(found("p0", PERSON, 30, at=150 + 20 * n, score=0.99) for n in range(3))]
    (person,) = scored(truth, tmp_path, results).classes
    assert (person.ap, person.boxes) == (pytest.approx(1), 1)


@pytest.mark.parametrize("mark", ["iscrowd", "ignore"])
@pytest.mark.parametrize("value", ["0", "no", 2, [0]])
def test_a_mark_that_is_no_truth_value(tmp_path: Path, mark: str, value: object) -> None:
    path = coco(tmp_path / "t.json", [box("p0", PERSON, 50, **{mark: value})])
    with pytest.raises(DataError, match=rf"- at `\$.annotations\[0\].{mark}`"):
        read_truth(path)


def test_without_results_all_sizes_that_are_there_score_0(tmp_path: Path) -> None:
    truth = read_truth(coco(tmp_path / "t.json", [box("p0", PERSON, 20)]))
    (person,) = score_detections(truth.dataset, np.zeros((0, 7)), truth.labelled).classes
    assert (person.ap, person.ap50, person.ap_small, person.recall) == (0, 0, 0, 0)
    assert np.isnan(person.ap_medium) and np.isnan(person.ap_large)


def test_only_some_classes(tmp_path: Path) -> None:
    path = coco(tmp_path / "t.json", [box("p0", PERSON, 50), box("p1", CAR, 50)])
    truth = read_truth(path, ("Car",))
    rows, notes = read_results(written(tmp_path / "r.json", [found("p0", PERSON, 50), found("p1", CAR, 50)]), truth)
    assert len(rows) == 1 and "1 results" in notes[0]
    assert [one.name for one in score_detections(truth.dataset, rows, truth.labelled).classes] == ["car"]
    with pytest.raises(UsageError, match=r"t\.json has no class 'cart' \(did you mean car"):
        read_truth(path, ("cart",))


def test_results_may_be_an_annotation_file_with_scores(tmp_path: Path) -> None:
    truth = read_truth(coco(tmp_path / "t.json", [box("p0", PERSON, 50)]))
    rows, notes = read_results(written(tmp_path / "r.json", {"annotations": [found("p0", PERSON, 50)]}), truth)
    assert rows.tolist() == [[0, 0, 0, 50, 50, 0.9, 0]] and notes == []


def test_the_figures_are_those_of_training(tmp_path: Path) -> None:
    """The same annotations and detections by way of training's records."""
    rng = np.random.default_rng(0)

    def boxes(count: int, **more: Any) -> list[dict[str, Any]]:
        made = []
        for _ in range(count):
            x, y, width, height = (round(float(v), 1) for v in (*rng.uniform(0, 60, 2), *rng.uniform(20, 40, 2)))
            kind, picture = int(rng.choice([PERSON, CAR])), f"p{rng.integers(8)}"
            made.append({"image_id": picture, "category_id": kind, "bbox": [x, y, width, height], **more})
        return made

    path = coco(tmp_path / "t.json", boxes(30), pictures=8, p2=["person"], p5=["car"], p6=[])
    truth = read_truth(path)
    results = [{**one, "score": float(rng.random())} for one in boxes(300)]
    mine = scored(truth, tmp_path, results)
    names = ("person", "car")
    records = load_set(SetConfig(name="set", kind="coco", path=str(path)), names, FrameCache(tmp_path, 64))
    slots = {PERSON: 0, CAR: 1}
    rows = [
        np.array([[*r["bbox"], r["score"], slots[r["category_id"]]] for r in results if r["image_id"] == f"p{n}"])
        for n in range(8)
    ]
    theirs = score_records(records, [row.reshape(-1, 6) for row in rows], names)
    assert 0 < theirs.means()["ap50"] < 1
    assert [(one.name, one.boxes, one.images) for one in mine.classes] == [
        (one.name, one.boxes, one.images) for one in theirs.classes
    ]
    for one, other in zip(mine.classes, theirs.classes, strict=True):
        assert (one.ap, one.ap50) == pytest.approx((other.ap, other.ap50))


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
