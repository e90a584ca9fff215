"""COCO ground truth and results in the form that pycocotools scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from vidtrack.core.class_names import class_filter, listed, plain_name
from vidtrack.core.errors import DataError
from vidtrack.core.wording import plural
from vidtrack.datasets.coco import Id, convert, image_path, is_box, read_coco, read_json

if TYPE_CHECKING:
    from vidtrack.model.protocol import Detector

_RESULT = 'a result is {"image_id", "category_id", "bbox": [x, y, width, height], "score"}'


@dataclass(frozen=True)
class ImageFile:
    """An image to detect in; `size` is (width, height) in its annotation."""

    path: Path
    size: tuple[int, int]


@dataclass(frozen=True)
class CocoTruth:
    """Annotations with images and categories numbered from 0; `dataset` is ready for pycocotools.

    `image_ids` and `category_ids` are the file's own, by number; images are numbered in the order of their ids, in
    which pycocotools ranks detections of equal score. `labelled` lists the images in which each category is annotated.
    """

    path: Path
    dataset: dict[str, Any]
    image_ids: list[Id]
    category_ids: list[Id]
    labelled: dict[int, list[int]]

    @property
    def category_names(self) -> dict[int, str]:
        """Names of the categories that are scored, by number."""
        return {category["id"]: category["name"] for category in self.dataset["categories"]}

    def with_categories(self, numbers: set[int]) -> CocoTruth:
        """The same without the categories that are not among `numbers`."""
        dataset = dict(
            self.dataset,
            annotations=[row for row in self.dataset["annotations"] if row["category_id"] in numbers],
            categories=[category for category in self.dataset["categories"] if category["id"] in numbers],
        )
        labelled = {number: images for number, images in self.labelled.items() if number in numbers}
        return CocoTruth(self.path, dataset, self.image_ids, self.category_ids, labelled)


class _Result(msgspec.Struct, frozen=True):
    image_id: Id
    category_id: Id
    bbox: list[float]
    score: float


def read_truth(path: Path, classes: Sequence[str] | None = None) -> CocoTruth:
    """Read annotations, only of `classes` if given; raises DataError naming the entry that is wrong.

    Crowds, and boxes with `ignore`, take any number of detections and count neither way.
    """
    file = read_coco(path)
    images = sorted(file.images, key=lambda image: _rank(image.id))
    if len({type(image.id) is str for image in images}) > 1:  # numpy, and so pycocotools, compares all of them as text
        images = sorted(file.images, key=lambda image: str(image.id))
    image_numbers = {image.id: number for number, image in enumerate(images)}
    category_numbers = {category.id: number for number, category in enumerate(file.categories)}
    chosen = class_filter(file.class_names, classes, str(path))
    names = {number: name for number, name in enumerate(file.class_names) if chosen[number]}
    annotations: list[dict[str, Any]] = []
    for annotation in file.annotations:
        category, box = category_numbers[annotation.category_id], annotation.xywh
        assert box is not None  # read_coco refuses such files
        if category in names:
            annotations.append(
                {
                    "id": len(annotations) + 1,  # pycocotools takes 0 for unmatched
                    "image_id": image_numbers[annotation.image_id],
                    "category_id": category,
                    "bbox": list(box),
                    "area": box[2] * box[3] if annotation.area is None else annotation.area,
                    "iscrowd": int(annotation.is_ignored),
                }
            )
    if all(row["iscrowd"] for row in annotations):
        of = "" if classes is None else f" of {', '.join(names.values())}"
        raise DataError(f"{path} has no boxes that count{of}")
    labelled_names = [set(file.labelled_in(image)) for image in images]
    dataset = {
        "info": {},
        "images": [
            {"id": number, "file_name": image.file_name, "width": image.width, "height": image.height}
            for number, image in enumerate(images)
        ],
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for number, name in names.items()],
    }
    labelled = {
        category: [number for number, own in enumerate(labelled_names) if name in own]
        for category, name in names.items()
    }
    return CocoTruth(path, dataset, list(image_numbers), list(category_numbers), labelled)


def _rank(identity: Id) -> tuple[float, str]:
    return (0.0, identity) if isinstance(identity, str) else (identity, "")


def read_results(path: Path, truth: CocoTruth) -> tuple[np.ndarray, list[str]]:
    """Rows (N, 7): image number, x, y, width, height, score, category number; and notes on what was left out.

    Takes COCO's list of results, or an annotation file whose boxes have scores.
    """
    values = read_json(path)
    entries = values.get("annotations") if isinstance(values, dict) else values
    if not isinstance(entries, list):
        raise DataError(f"{path} is not a list of results", _RESULT)
    if not entries:
        raise DataError(f"{path} has no results", "nothing to score")
    images = {identity: number for number, identity in enumerate(truth.image_ids)}
    categories = {identity: number for number, identity in enumerate(truth.category_ids)}
    scored, rows, unknown = set(truth.category_names), [], {"image": 0, "category": 0}
    for index, result in enumerate(convert(entries, list[_Result], path, _RESULT)):
        if not is_box(result.bbox) or not math.isfinite(result.score):
            raise DataError(f"{path}: result {index} has bbox {result.bbox} and score {result.score}", _RESULT)
        if result.image_id not in images:
            unknown["image"] += 1
        elif categories.get(result.category_id) not in scored:
            unknown["category"] += 1
        else:
            rows.append([images[result.image_id], *result.bbox, result.score, categories[result.category_id]])
    if not rows:
        what = max(unknown, key=lambda name: unknown[name])
        raise DataError(
            f"no result in {path} is for a scored {what} of {truth.path}", "do both belong to one data set?"
        )
    notes = [
        f"left out {plural(count, 'result')} in {path} for no scored {what} of {truth.path.name}"
        for what, count in unknown.items()
        if count
    ]
    return np.array(rows, np.float64), notes


def find_images(truth: CocoTruth, folder: Path) -> list[ImageFile]:
    """The images, by their `file_name` below `folder`; raises DataError if one does not exist."""
    images = []
    for image in truth.dataset["images"]:
        if image["file_name"] is None or not image["width"] or not image["height"]:
            identity = truth.image_ids[image["id"]]
            raise DataError(f"{truth.path}: image {identity} lacks file_name, width or height")
        file = ImageFile(image_path(folder, image["file_name"]), (int(image["width"]), int(image["height"])))
        if not file.path.is_file():
            raise DataError(f"image {file.path} does not exist", "give the folder of the images with --images")
        images.append(file)
    return images


def detect(
    model: Detector,
    truth: CocoTruth,
    images: Sequence[ImageFile],
    size: int | None = None,
    report: Callable[[int], None] = lambda done: None,
) -> tuple[np.ndarray, CocoTruth, list[str]]:
    """A model's detections as `read_results` gives them, and the truth without the classes that the model lacks.

    Classes are matched by name. Raises DataError if model and truth have none in common.
    """
    from vidtrack.model.image_inference import detect_images

    slots = {plain_name(name): slot for slot, name in enumerate(model.class_names) if name}
    found = {number: slots.get(plain_name(name)) for number, name in truth.category_names.items()}
    numbers = {slot: number for number, slot in found.items() if slot is not None}
    if not numbers:
        names = listed([name for name in model.class_names if name])
        raise DataError(f"the model has no class of {truth.path}", f"it has {names}")
    rows = detect_images(model, images, size=size, report=report)
    results = np.concatenate([np.column_stack([np.full(len(one), number), one]) for number, one in enumerate(rows)])
    results = results[np.isin(results[:, 6], list(numbers))]
    results[:, 6] = [numbers[int(slot)] for slot in results[:, 6]]
    missing = [truth.category_names[number] for number, slot in found.items() if slot is None]
    notes = [f"the model has no class {listed(missing)}: not scored"] if missing else []
    return results, truth.with_categories(set(numbers.values())), notes


def results_json(results: np.ndarray, truth: CocoTruth) -> list[dict[str, Any]]:
    """COCO's list of results, ready for JSON."""
    return [
        {
            "image_id": truth.image_ids[int(row[0])],
            "category_id": truth.category_ids[int(row[6])],
            "bbox": [round(value, 2) for value in row[1:5]],
            "score": round(row[5], 5),
        }
        for row in results.tolist()
    ]
