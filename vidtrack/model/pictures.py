"""Detections on picture files, without video and without tracks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import torch

from vidtrack.errors import DataError
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.preprocess import to_batch

TOP = 100  # detections kept for a picture, as COCO's evaluation does


class Picture(Protocol):
    """A picture file and the (width, height) its annotation speaks of, which the file may have been scaled from."""

    @property
    def path(self) -> Path: ...

    @property
    def size(self) -> tuple[int, int]: ...


def read_picture(path: Path, hint: str = "missing or damaged") -> np.ndarray:
    """uint8 RGB (H, W, 3) as stored, not turned upright; raises DataError where the file is missing or no picture."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        raise DataError(f"cannot read the picture {path}", hint)
    return np.ascontiguousarray(image[..., ::-1])


@torch.inference_mode()
def detect_pictures(
    model: DeformableDETR,
    pictures: Sequence[Picture],
    batch: int = 8,
    size: int | None = None,
    report: Callable[[int], None] = lambda done: None,
) -> list[np.ndarray]:
    """For each picture rows (N, 6): x, y, width, height in annotation pixels, score, class.

    `size` replaces the model's shorter side in pixels; `report` hears how many pictures are done.
    """
    parameter = next(model.parameters())
    shorter = size or model.config.size
    longest = round(model.config.max_size * shorter / model.config.size)
    order = sorted(range(len(pictures)), key=lambda index: pictures[index].size[0] / pictures[index].size[1])
    rows: list[np.ndarray] = [np.zeros((0, 6))] * len(pictures)
    for start in range(0, len(order), batch):
        part = order[start : start + batch]
        images = [read_picture(pictures[index].path) for index in part]
        pixels, padding = to_batch(images, shorter, longest, parameter.device, parameter.dtype)
        output = model(pixels, padding)
        probability = output.logits[-1].float().sigmoid()  # (B, Q, K)
        classes = probability.shape[-1]
        scores, places = probability.flatten(1).topk(min(TOP, probability[0].numel()), dim=1)
        boxes = output.boxes[-1].float().gather(1, (places // classes)[..., None].expand(-1, -1, 4))
        for index, score_row, place, box in zip(part, scores, places, boxes, strict=True):
            width, height = pictures[index].size
            scaled = box.cpu().numpy().astype(np.float64) * [width, height, width, height]
            scaled[:, :2] -= scaled[:, 2:] / 2
            found = [scaled, score_row.cpu().numpy()[:, None], (place % classes).cpu().numpy()[:, None]]
            rows[index] = np.concatenate(found, axis=1)
        report(min(start + batch, len(order)))
    return rows
