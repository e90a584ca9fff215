"""COCO average precision on validation sets, each class only on the images in which it is labelled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vidtrack.datasets.records import Record
from vidtrack.evaluation.detection import DetectionScores, score_detections
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.image_inference import detect_images


class _StoppedError(Exception):
    pass


def evaluate_sets(
    model: DeformableDETR,
    sets: dict[str, Sequence[Record]],
    batch: int = 8,
    stop: Callable[[], bool] = lambda: False,
) -> dict[str, DetectionScores] | None:
    """Detect and score every set, or return None once `stop` is true; the model's training mode is restored."""

    def watch(done: int) -> None:
        if stop():
            raise _StoppedError

    training = model.training
    model.eval()
    try:
        return {
            name: score(records, detect_images(model, records, batch, report=watch), model.config.classes)
            for name, records in sets.items()
        }
    except _StoppedError:
        return None
    finally:
        model.train(training)


def score(
    records: Sequence[Record], detections: Sequence[np.ndarray], classes: Sequence[str], by_size: bool = False
) -> DetectionScores:
    """COCO's own evaluation, class by class over the images in which the class is labelled."""
    truth, results = _as_coco(records, detections, classes)
    images = {
        slot: [index for index, record in enumerate(records) if record.labelled[slot]]
        for slot, label in enumerate(classes)
        if label
    }
    return score_detections(truth, results, images, by_size)


def _as_coco(
    records: Sequence[Record], detections: Sequence[np.ndarray], classes: Sequence[str]
) -> tuple[dict[str, Any], np.ndarray]:
    """COCO's dataset dictionary, and detections (N, 7): image, x, y, width, height, score, class."""
    annotations: list[dict[str, Any]] = []

    def add(index: int, box: np.ndarray, category: int, crowd: int) -> None:
        x, y, width, height = (float(v) for v in (box[0], box[1], box[2] - box[0], box[3] - box[1]))
        annotations.append(
            {
                "id": len(annotations) + 1,
                "image_id": index,
                "category_id": category,
                "bbox": [x, y, width, height],
                "area": width * height,
                "iscrowd": crowd,
            }
        )

    for index, record in enumerate(records):
        for box, label in zip(record.boxes_xyxy, record.labels, strict=True):
            add(index, box, int(label), 0)
        labels = np.full(len(record.ignored_xyxy), -1) if record.ignored_labels is None else record.ignored_labels
        for box, label in zip(record.ignored_xyxy, labels, strict=True):
            for category in np.flatnonzero(record.labelled) if label < 0 else [label]:
                add(index, box, int(category), 1)  # a crowd takes any number of detections and counts neither way
    images = [{"id": i, "width": record.size[0], "height": record.size[1]} for i, record in enumerate(records)]
    categories = [{"id": slot, "name": name} for slot, name in enumerate(classes)]
    numbered = [np.column_stack([np.full(len(rows), index), rows]) for index, rows in enumerate(detections)]
    return (
        {"info": {}, "images": images, "annotations": annotations, "categories": categories},
        np.concatenate(numbered) if numbered else np.zeros((0, 7)),
    )
