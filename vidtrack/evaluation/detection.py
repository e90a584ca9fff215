"""COCO average precision, by `pycocotools`, each class only over the images in which it is labelled."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vidtrack.core.errors import UsageError

SIDES = (32, 96)  # pixels: objects of exactly 32**2 pixels are small and medium, of 96**2 medium and large
_ALL = (0.0, 1e10)
_SHARES = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "recall")
_RANGES = {
    "all": _ALL,
    "small": (0.0, SIDES[0] ** 2),
    "medium": (SIDES[0] ** 2, SIDES[1] ** 2),
    "large": (SIDES[1] ** 2, 1e10),
}


@dataclass(frozen=True)
class ClassScores:
    """AP of one class: mean over IoU .50:.95, at .50 and .75, and of objects by size; NaN without any.

    `recall` is the mean over IoU .50:.95 with 100 detections per image; `boxes` are annotated in `images`.
    """

    name: str
    ap: float
    ap50: float
    ap75: float
    ap_small: float
    ap_medium: float
    ap_large: float
    recall: float
    boxes: int
    images: int


@dataclass(frozen=True)
class DetectionScores:
    """Scores of every class that has boxes in the ground truth."""

    classes: tuple[ClassScores, ...]

    def means(self) -> dict[str, float]:
        """Means over the classes: COCO's figures. NaN if no class has one."""
        columns = {name: np.array([getattr(one, name) for one in self.classes], float) for name in _SHARES}
        return {
            name: float(np.mean(column[~np.isnan(column)])) if not np.isnan(column).all() else float("nan")
            for name, column in columns.items()
        }


def score_detections(
    dataset: Mapping[str, Any], results: np.ndarray, images: Mapping[int, Sequence[int]], by_size: bool = True
) -> DetectionScores:
    """Score `results` (N, 7), rows of image, x, y, width, height, score, category, against a COCO `dataset`.

    `images` holds the ids of those in which each category is labelled; results of it elsewhere do not count.
    """
    try:
        from pycocotools.coco import COCO
    except ImportError:
        raise UsageError("evaluation needs pycocotools", "pip install 'vidtrack[evaluation]'") from None
    boxes: dict[int, set[int]] = {category: set(images[category]) for category in images}
    counts = dict.fromkeys(images, 0)
    for row in dataset["annotations"]:
        category = row["category_id"]
        if not row.get("iscrowd") and row["image_id"] in boxes.get(category, ()):
            counts[category] += 1
    found = []
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = dict(dataset)
        truth.createIndex()
        answers = truth.loadRes(results) if len(results) else _no_results(truth.dataset)
        for category in dataset["categories"]:
            number = category["id"]
            if counts.get(number):
                values = _score_class(truth, answers, number, list(images[number]), by_size)
                found.append(ClassScores(category["name"], boxes=counts[number], images=len(images[number]), **values))
    return DetectionScores(tuple(found))


def _no_results(dataset: Mapping[str, Any]) -> Any:
    """What `COCO.loadRes` would make of an empty list, if it took one."""
    from pycocotools.coco import COCO

    answers = COCO()
    answers.dataset = {**dataset, "annotations": []}
    answers.createIndex()
    return answers


def _score_class(truth: Any, answers: Any, category: int, images: list[int], by_size: bool) -> dict[str, float]:
    """The shares among the fields of ClassScores."""
    from pycocotools.cocoeval import COCOeval

    run = COCOeval(truth, answers, "bbox")
    run.params.imgIds, run.params.catIds = images, [category]
    ranges = _RANGES if by_size else {"all": _ALL}
    run.params.areaRng, run.params.areaRngLbl = [list(one) for one in ranges.values()], list(ranges)
    run.evaluate()
    run.accumulate()
    precision = run.eval["precision"][:, :, 0, :, -1]  # (IoU threshold, recall, size)
    thresholds = run.params.iouThrs.round(2).tolist()
    at50, at75 = (precision[thresholds.index(iou)][None] for iou in (0.5, 0.75))
    sizes = [_mean(precision[..., number]) for number in range(1, len(ranges))] or [float("nan")] * 3
    shares = (
        [_mean(part[..., 0]) for part in (precision, at50, at75)] + sizes + [_mean(run.eval["recall"][:, 0, 0, -1])]
    )
    return dict(zip(_SHARES, shares, strict=True))


def _mean(values: np.ndarray) -> float:
    """Mean of what pycocotools could compute; it says -1 for what it could not."""
    known = values[values > -1]
    return float(known.mean()) if known.size else float("nan")
