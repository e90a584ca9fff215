"""COCO average precision on validation sets, each class only on pictures where it is labelled."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from vidtrack.errors import UsageError
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.preprocess import to_batch
from vidtrack.training.augment import read_picture
from vidtrack.training.data import Record

TOP = 100  # detections kept for a picture, as COCO's evaluation does


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


def evaluate_sets(model: DeformableDETR, sets: dict[str, Sequence[Record]], batch: int = 8) -> dict[str, SetResult]:
    """Detect and score every set; the model's training mode is put back."""
    training = model.training
    model.eval()
    try:
        return {
            name: score(name, records, detect(model, records, batch), model.config.classes)
            for name, records in sets.items()
        }
    finally:
        model.train(training)


@torch.inference_mode()
def detect(model: DeformableDETR, records: Sequence[Record], batch: int = 8) -> list[np.ndarray]:
    """For each record rows (N, 6): x, y, width, height in annotation pixels, score, class."""
    device = next(model.parameters()).device
    order = sorted(range(len(records)), key=lambda index: records[index].size[0] / records[index].size[1])
    rows: list[np.ndarray] = [np.zeros((0, 6))] * len(records)
    for start in range(0, len(order), batch):
        part = order[start : start + batch]
        images = [read_picture(records[index]) for index in part]
        pixels, padding = to_batch(images, model.config.size, model.config.max_size, device)
        output = model(pixels, padding)
        probability = output.logits[-1].float().sigmoid()  # (B, Q, K)
        classes = probability.shape[-1]
        scores, places = probability.flatten(1).topk(min(TOP, probability[0].numel()), dim=1)
        boxes = output.boxes[-1].float().gather(1, (places // classes)[..., None].expand(-1, -1, 4))
        for index, score_row, place, box in zip(part, scores, places, boxes, strict=True):
            width, height = records[index].size
            scaled = box.cpu().numpy().astype(np.float64) * [width, height, width, height]
            scaled[:, :2] -= scaled[:, 2:] / 2
            found = [scaled, score_row.cpu().numpy()[:, None], (place % classes).cpu().numpy()[:, None]]
            rows[index] = np.concatenate(found, axis=1)
    return rows


def score(name: str, records: Sequence[Record], detections: Sequence[np.ndarray], classes: Sequence[str]) -> SetResult:
    """COCO's own evaluation, class by class over the pictures where the class is labelled."""
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError:
        raise UsageError("evaluation needs pycocotools", "pip install 'vidtrack[evaluation]'") from None
    truth, results = _as_coco(records, detections, classes)
    found = []
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        answers = coco.loadRes(results) if len(results) else None
        for slot, label in enumerate(classes):
            pictures = [index for index, record in enumerate(records) if record.labelled[slot]]
            count = sum(int((records[index].labels == slot).sum()) for index in pictures)
            if not label or not count:
                continue
            ap = ap50 = 0.0
            if answers is not None:
                run = COCOeval(coco, answers, "bbox")
                run.params.imgIds, run.params.catIds = pictures, [slot]
                run.params.areaRng, run.params.areaRngLbl = [[0, 1e10]], ["all"]
                run.evaluate()
                run.accumulate()
                precision = run.eval["precision"][:, :, 0, 0, -1]  # (IoU threshold, recall)
                ap, ap50 = (float(np.mean(part[part > -1])) for part in (precision, precision[0]))
            found.append(ClassResult(label, ap, ap50, count, len(pictures)))
    return SetResult(name, tuple(found))


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
