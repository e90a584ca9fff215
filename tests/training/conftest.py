from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from msgspec.structs import replace

from tests.networks import TINY
from vidtrack.datasets.records import SetConfig
from vidtrack.model.config import DetectorConfig
from vidtrack.training.batches import Target
from vidtrack.training.recipe import (
    AugmentConfig,
    DataConfig,
    LossConfig,
    OptimConfig,
    TrainConfig,
)

CLASSES = ("person", "car", "dog")


@pytest.fixture(scope="session")
def tiny() -> DetectorConfig:
    return replace(TINY, feedforward_dim=64, denoising=True, num_classes=len(CLASSES), classes=CLASSES, max_size=96)


def target(
    boxes: list[list[float]],
    labels: list[int],
    labelled: tuple[bool, ...] = (True, True, True),
    complete: bool = True,
    ignored: list[list[float]] | None = None,
    ids: list[int] | None = None,
    ignored_labels: list[int] | None = None,
    trust: list[float] | None = None,
) -> Target:
    return Target(
        boxes=torch.tensor(boxes).reshape(-1, 4),
        labels=torch.tensor(labels, dtype=torch.int64),
        ids=torch.tensor(ids if ids is not None else list(range(len(labels))), dtype=torch.int64),
        ignored=torch.tensor(ignored or []).reshape(-1, 4),
        labelled=torch.tensor(labelled),
        complete=complete,
        ignored_labels=torch.tensor(ignored_labels or [-1] * len(ignored or []), dtype=torch.int64),
        trust=torch.tensor(trust or [1.0] * len(labels)),
    )


def shapes_picture(seed: int, size: tuple[int, int] = (96, 64)) -> tuple[np.ndarray, list[list[float]], list[int]]:
    """A noisy image with two coloured rectangles; returns it (RGB) with xywh boxes and class slots."""
    rng = np.random.default_rng(seed)
    width, height = size
    image = rng.integers(90, 120, (height, width, 3), dtype=np.uint8)
    boxes, labels = [], []
    for slot, colour in ((0, (230, 40, 40)), (1, (40, 60, 230))):
        w, h = int(rng.integers(width // 5, width // 3)), int(rng.integers(height // 3, height // 2))
        x = int(rng.integers(0, width // 2 - w)) + slot * width // 2
        y = int(rng.integers(0, height - h))
        image[y : y + h, x : x + w] = colour
        boxes.append([float(x), float(y), float(w), float(h)])
        labels.append(slot)
    return image, boxes, labels


def write_coco(folder: Path, pictures: int = 4, **image_fields: object) -> Path:
    """A COCO file of `shapes_picture`s; category ids are not contiguous, as COCO's are not."""
    folder.mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for index in range(pictures):
        image, boxes, labels = shapes_picture(index)
        name = f"{index:03d}.png"
        cv2.imwrite(str(folder / name), image[..., ::-1])
        images.append({"id": index + 10, "file_name": name, "width": 96, "height": 64, **image_fields})
        for box, label in zip(boxes, labels, strict=True):
            annotations.append(
                {"id": len(annotations) + 1, "image_id": index + 10, "category_id": (1, 3)[label], "bbox": box}
            )
    categories = [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}, {"id": 18, "name": "dog"}]
    path = folder / "train.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


def mot_folder(folder: Path, rows: str, frames: int = 3) -> Path:
    """A MOTChallenge sequence of black images with these rows of ground truth."""
    (folder / "gt").mkdir(parents=True)
    (folder / "img1").mkdir()
    for index in range(1, frames + 1):
        cv2.imwrite(str(folder / "img1" / f"{index:06d}.jpg"), np.zeros((48, 64, 3), np.uint8))
    (folder / "seqinfo.ini").write_text("[Sequence]\nimDir=img1\nframeRate=10\nimWidth=64\nimHeight=48\nimExt=.jpg\n")
    (folder / "gt" / "gt.txt").write_text(rows)
    return folder


def edit(path: Path, change: Callable[[Any], object]) -> Path:
    """Change what a JSON file holds."""
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))
    return path


@pytest.fixture
def recipe(tmp_path: Path, tiny: DetectorConfig) -> TrainConfig:
    path = write_coco(tmp_path / "pictures")
    sets = (SetConfig("shapes", str(path)),)
    return TrainConfig(
        model=tiny,
        data=DataConfig(train=sets, cache=str(tmp_path / "cache")),
        augment=AugmentConfig(canvases=((64, 96),)),
        loss=LossConfig(encoder_repeat=2, hybrid_queries=8, hybrid_repeat=2, denoising_queries=8),
        optim=OptimConfig(lr=1e-3, ema=0.9, schedule="onecycle", backbone_frozen=7),
        steps=4,
        batch=2,
        seed=3,
        threads=1,
        device="cpu",
        log_steps=1,
    )
