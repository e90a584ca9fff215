"""COCO average precision on validation sets, each class only on pictures where it is labelled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vidtrack.evaluation.detection import score_detections
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.image_inference import detect_pictures
from vidtrack.training.data import Record


@dataclass(frozen=True)
class ClassResult:
    """AP of one class: mean over IoU .50:.95, and at .50; `boxes` annotated in `pictures` where it is labelled."""

    name: str
    ap: float
    ap50: float
    boxes: int
    pictures: int


@dataclass(frozen=True)
class SetResult:
    """Results of one validation set; means are over the classes that have boxes in it."""

    name: str
    classes: tuple[ClassResult, ...]

    @property
    def ap(self) -> float:
        """Mean AP."""
        return float(np.mean([found.ap for found in self.classes])) if self.classes else 0.0

    @property
    def ap50(self) -> float:
        """Mean AP50."""
        return float(np.mean([found.ap50 for found in self.classes])) if self.classes else 0.0

    def to_dict(self) -> dict[str, Any]:
        """For JSON lines."""
        return {"ap": self.ap, "ap50": self.ap50, "classes": [asdict(found) for found in self.classes]}


class _StoppedError(Exception):
    pass


def evaluate_sets(
    model: DeformableDETR,
    sets: dict[str, Sequence[Record]],
    batch: int = 8,
    stop: Callable[[], bool] = lambda: False,
) -> dict[str, SetResult] | None:
    """Detect and score every set, or None once `stop` says so; the model's training mode is put back."""

    def watch(done: int) -> None:
        if stop():
            raise _StoppedError

    training = model.training
    model.eval()
    try:
        return {
            name: score(name, records, detect_pictures(model, records, batch, report=watch), model.config.classes)
            for name, records in sets.items()
        }
    except _StoppedError:
        return None
    finally:
        model.train(training)


def score(name: str, records: Sequence[Record], detections: Sequence[np.ndarray], classes: Sequence[str]) -> SetResult:
    """COCO's own evaluation, class by class over the pictures where the class is labelled."""
    truth, results = _as_coco(records, detections, classes)
    pictures = {
        slot: [index for index, record in enumerate(records) if record.labelled[slot]]
        for slot, label in enumerate(classes)
        if label
    }
    found = score_detections(truth, results, pictures, by_size=False).classes
    return SetResult(name, tuple(ClassResult(one.name, one.ap, one.ap50, one.boxes, one.pictures) for one in found))


def _as_coco(
    records: Sequence[Record], detections: Sequence[np.ndarray], classes: Sequence[str]
) -> tuple[dict[str, Any], np.ndarray]:
    """COCO's dataset dictionary, and detections (N, 7): picture, x, y, width, height, score, class."""
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
        for box in record.ignored_xyxy:  # a crowd region takes any number of detections without harm
            for category in np.flatnonzero(record.labelled):
                add(index, box, int(category), 1)
    images = [{"id": i, "width": record.size[0], "height": record.size[1]} for i, record in enumerate(records)]
    categories = [{"id": slot, "name": name} for slot, name in enumerate(classes)]
    numbered = [np.column_stack([np.full(len(rows), index), rows]) for index, rows in enumerate(detections)]
    return (
        {"info": {}, "images": images, "annotations": annotations, "categories": categories},
        np.concatenate(numbered) if numbered else np.zeros((0, 7)),
    )
