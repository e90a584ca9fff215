"""COCO's figures, over partly labelled images too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.evaluation.coco_cases import box, coco, found, scored, written
from vidtrack.core.errors import UsageError
from vidtrack.datasets.mot_images import FrameCache
from vidtrack.datasets.records import SetConfig, load_set
from vidtrack.evaluation.coco_truth import read_results, read_truth
from vidtrack.evaluation.detection import score_detections
from vidtrack.training.evaluate import score as score_records

PERSON, CAR = 1, 3


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


def test_without_results_all_sizes_that_are_there_score_0(tmp_path: Path) -> None:
    truth = read_truth(coco(tmp_path / "t.json", [box("p0", PERSON, 20)]))
    (person,) = score_detections(truth.dataset, np.zeros((0, 7)), truth.labelled).classes
    assert (person.ap, person.ap50, person.ap_small, person.recall) == (0, 0, 0, 0)
    assert np.isnan(person.ap_medium) and np.isnan(person.ap_large)


def test_only_some_classes(tmp_path: Path) -> None:
    path = coco(tmp_path / "t.json", [box("p0", PERSON, 50), box("p1", CAR, 50)])
    truth = read_truth(path, ("Car",))
    rows, notes = read_results(written(tmp_path / "r.json", [found("p0", PERSON, 50), found("p1", CAR, 50)]), truth)
    assert len(rows) == 1 and "left out 1 result in" in notes[0]
    assert [one.name for one in score_detections(truth.dataset, rows, truth.labelled).classes] == ["car"]
    with pytest.raises(UsageError, match=r"t\.json has no class 'cart' \(did you mean car"):
        read_truth(path, ("cart",))


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
