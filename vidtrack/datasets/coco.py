"""COCO annotation and result files, checked, and the detections of a model on the pictures they speak of."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vidtrack.core.class_names import class_filter, listed, plain_name
from vidtrack.core.errors import DataError

if TYPE_CHECKING:
    from vidtrack.model.detector import DeformableDETR

_MISSHAPEN = (KeyError, TypeError, ValueError, OverflowError)  # what a value of the wrong kind leads to
_LARGEST = 2.0**53  # of any number in a box: its area still is one
_RESULT = 'a result is {"image_id", "category_id", "bbox": [x, y, width, height], "score"}'


@dataclass(frozen=True)
class PictureFile:
    """A picture to be looked at; `size` is (width, height) as its annotation has it."""

    path: Path
    size: tuple[int, int]


@dataclass(frozen=True)
class CocoTruth:
    """An annotation file, its pictures numbered from 0 in their order.

    `dataset` is ready for pycocotools; `numbers` gives a picture's number by its id in the file; `labelled` the
    pictures in which each category is annotated.
    """

    path: Path
    dataset: dict[str, Any]
    numbers: dict[Any, int]
    labelled: dict[int, list[int]]

    @property
    def category_names(self) -> dict[int, str]:
        """Names by category id."""
        return {category["id"]: category["name"] for category in self.dataset["categories"]}

    @property
    def picture_ids(self) -> list[Any]:
        """Ids in the file by number."""
        return list(self.numbers)


def read_truth(path: Path, classes: Sequence[str] | None = None) -> CocoTruth:
    """Read annotations, only of `classes` where given; raises DataError naming the entry that is wrong.

    A picture's `labelled_classes` are those annotated in it, without them all are; crowds, and boxes with `ignore`,
    take any number of detections and count neither way.
    """
    values = read_json(path)
    for key in ("images", "annotations", "categories"):
        if not isinstance(values, dict) or not isinstance(values.get(key), list):
            raise DataError(f"{path} has no list {key!r}", "expected a COCO detection file")
    try:
        names = {_whole(category["id"]): str(category["name"]) for category in values["categories"]}
        numbers = {image["id"]: number for number, image in enumerate(values["images"])}
        named = [image.get("labelled_classes") for image in values["images"]]
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise DataError(f"{path} has a picture or category without {error}", "expected a COCO detection file") from None
    if len(numbers) < len(values["images"]):
        raise DataError(f"{path} has a picture id more than once")
    if len(names) < len(values["categories"]):
        raise DataError(f"{path} has a category id more than once")
    for image, own in zip(values["images"], named, strict=True):
        if own is not None and not (isinstance(own, list) and set(map(str, own)) <= set(names.values())):
            raise DataError(
                f"{path}: labelled_classes of picture {image['id']} are {_short(own)}",
                f"expected a list of the file's categories: {listed(list(names.values()))}",
            )
    chosen = class_filter(list(names.values()), classes, str(path))
    kept = {number: name for (number, name), one in zip(names.items(), chosen, strict=True) if one}
    annotations = [
        _annotation(row, index, names, numbers, path)
        for index, row in enumerate(values["annotations"])
        if (category := _category(row)) in kept or category not in names
    ]
    if not any(not row["iscrowd"] for row in annotations):
        raise DataError(f"{path} has no boxes that count{_of(kept, classes)}")
    labelled = {
        category: [number for number, own in enumerate(named) if own is None or name in own]
        for category, name in kept.items()
    }
    dataset = {
        "info": {},
        "images": [dict(image, id=number) for number, image in enumerate(values["images"])],
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for number, name in kept.items()],
    }
    return CocoTruth(path, dataset, numbers, labelled)


def read_results(path: Path, truth: CocoTruth) -> tuple[np.ndarray, list[str]]:
    """Rows (N, 7): picture number, x, y, width, height, score, category; and what was left out of the file.

    Takes COCO's list of results, or an annotation file whose boxes have scores.
    """
    values = read_json(path)
    entries = values.get("annotations") if isinstance(values, dict) else values
    if not isinstance(entries, list):
        raise DataError(f"{path} is no list of results", _RESULT)
    if not entries:
        raise DataError(f"{path} has no results", "nothing to score")
    known, rows, strange = set(truth.category_names), [], {"picture": 0, "category": 0}
    for index, entry in enumerate(entries):
        try:
            picture, category, score = entry["image_id"], _whole(entry["category_id"]), float(entry["score"])
            box = [float(value) for value in entry["bbox"]]
            is_known = picture in truth.numbers
        except _MISSHAPEN:
            raise DataError(f"{path}: result {index} is {_short(entry)}", _RESULT) from None
        if len(box) != 4 or not _is_box(box) or not math.isfinite(score):
            raise DataError(f"{path}: result {index} has bbox {box} and score {score}", _RESULT)
        if not is_known:
            strange["picture"] += 1
        elif category not in known:
            strange["category"] += 1
        else:
            rows.append([truth.numbers[picture], *box, score, category])
    if not rows:
        what = max(strange, key=lambda name: strange[name])
        raise DataError(f"no result of {path} is of a {what} of {truth.path}", "are they of the same data?")
    notes = [
        f"{count} results of {path} are of no {what} of {truth.path.name} that is scored: left out"
        for what, count in strange.items()
        if count
    ]
    return np.array(rows, np.float64), notes


def find_pictures(truth: CocoTruth, folder: Path) -> list[PictureFile]:
    """The pictures, by their `file_name` under `folder`; raises DataError for one that is not there."""
    pictures = []
    for image in truth.dataset["images"]:
        try:
            picture = PictureFile(folder / str(image["file_name"]), (int(image["width"]), int(image["height"])))
        except _MISSHAPEN:
            raise DataError(
                f"{truth.path} has a picture without file_name, width and height", "expected a COCO detection file"
            ) from None
        if not picture.path.is_file():
            raise DataError(f"no picture {picture.path}", "give the folder of the pictures with --pictures")
        pictures.append(picture)
    return pictures


def detect(
    model: DeformableDETR,
    truth: CocoTruth,
    pictures: Sequence[PictureFile],
    size: int | None = None,
    report: Callable[[int], None] = lambda done: None,
) -> tuple[np.ndarray, CocoTruth, list[str]]:
    """A model's detections as `read_results` gives them, and the truth without the classes that the model lacks.

    Classes belong together by name. Raises DataError where model and truth have none in common.
    """
    from vidtrack.model.image_inference import detect_pictures

    slots = {plain_name(name): slot for slot, name in enumerate(model.config.classes) if name}
    found = {number: slots.get(plain_name(name)) for number, name in truth.category_names.items()}
    numbers = {slot: number for number, slot in found.items() if slot is not None}
    if not numbers:
        names = listed([name for name in model.config.classes if name])
        raise DataError(f"the model has no class of {truth.path}", f"it has {names}")
    rows = detect_pictures(model, pictures, size=size, report=report)
    results = np.concatenate([np.column_stack([np.full(len(one), number), one]) for number, one in enumerate(rows)])
    results = results[np.isin(results[:, 6], list(numbers))]
    results[:, 6] = [numbers[int(slot)] for slot in results[:, 6]]
    lacking = [truth.category_names[number] for number, slot in found.items() if slot is None]
    notes = [f"the model has no class {listed(lacking)}: not scored"] if lacking else []
    return results, _only(truth, set(numbers.values())), notes


def results_json(results: np.ndarray, truth: CocoTruth) -> list[dict[str, Any]]:
    """COCO's list of results, ready for JSON."""
    ids = truth.picture_ids
    return [
        {
            "image_id": ids[int(row[0])],
            "category_id": int(row[6]),
            "bbox": [round(value, 2) for value in row[1:5]],
            "score": round(row[5], 5),
        }
        for row in results.tolist()
    ]


def read_json(path: Path) -> Any:
    """What a COCO file holds, not checked further; raises DataError for one that cannot be read or is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}", "check the name") from None
    except (ValueError, RecursionError):
        raise DataError(f"{path} is not JSON", "expected a COCO file") from None


def read_flag(row: Mapping[str, Any], name: str, where: str, otherwise: bool = False) -> bool:
    """A member that is true, false, 1 or 0, or `otherwise` where it is null or missing; DataError for another."""
    value = row.get(name)
    if value not in (None, 0, 1):
        raise DataError(f"{where} has {name} {_short(value)}", "it is 0 or 1")
    return otherwise if value is None else bool(value)


def _annotation(
    row: Any, index: int, names: Mapping[int, str], numbers: Mapping[Any, int], path: Path
) -> dict[str, Any]:
    """One box for pycocotools, whose ids must not be 0; its size counts by `area` as in COCO, by the box without."""
    where = f"{path}: annotation {row.get('id', index) if isinstance(row, dict) else index}"
    try:
        picture, category = row["image_id"], _whole(row["category_id"])
        x, y, width, height = (float(value) for value in row["bbox"])
        area = float(row.get("area") or width * height)
        is_known = picture in numbers
    except _MISSHAPEN:
        raise DataError(
            f"{where} is {_short(row)}", "it needs image_id, category_id and bbox [x, y, width, height]"
        ) from None
    flags = [read_flag(row, name, where) for name in ("iscrowd", "ignore")]
    if not is_known:
        raise DataError(f"{where} is of picture {picture!r}, which is not there")
    if category not in names:
        raise DataError(f"{where} is of category {category}, which is not there")
    if not _is_box((x, y, width, height)) or not math.isfinite(area):
        raise DataError(f"{where} has bbox {row['bbox']}", "width and height are no less than 0, and all values finite")
    return {
        "id": index + 1,
        "image_id": numbers[picture],
        "category_id": category,
        "bbox": [x, y, width, height],
        "area": area,
        "iscrowd": int(any(flags)),
    }


def _category(row: Any) -> int | None:
    try:
        return _whole(row["category_id"])
    except _MISSHAPEN:
        return None


def _is_box(xywh: Sequence[float]) -> bool:
    return all(abs(value) <= _LARGEST for value in xywh) and min(xywh[2:]) >= 0  # NaN is not less


def _whole(value: Any) -> int:
    """The number as an int; ValueError for one with a fraction."""
    if int(value) != float(value):
        raise ValueError(value)
    return int(value)


def _only(truth: CocoTruth, categories: set[int]) -> CocoTruth:
    dataset = dict(
        truth.dataset,
        annotations=[row for row in truth.dataset["annotations"] if row["category_id"] in categories],
        categories=[category for category in truth.dataset["categories"] if category["id"] in categories],
    )
    labelled = {category: pictures for category, pictures in truth.labelled.items() if category in categories}
    return CocoTruth(truth.path, dataset, truth.numbers, labelled)


def _of(kept: Mapping[int, str], classes: Sequence[str] | None) -> str:
    return "" if classes is None else f" of {', '.join(kept.values())}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."
