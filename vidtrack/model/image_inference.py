"""Detections on image files, without video and without tracks."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import torch
from torch import Tensor

from vidtrack.core.errors import DataError
from vidtrack.model.protocol import Detector

TOP = 100  # detections kept for an image, as COCO's evaluation does


class ImageFile(Protocol):
    """An image file and the (width, height) of its annotation; the file may have been scaled since."""

    @property
    def path(self) -> Path: ...

    @property
    def size(self) -> tuple[int, int]: ...


def read_image(file: ImageFile, flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """uint8 RGB (H, W, 3), turned upright by its EXIF orientation, as annotation tools show it.

    If the annotation's width and height fit the stored image instead, it is not turned. `flags` are
    OpenCV's, for a reduced size. Raises DataError.
    """
    try:
        if file.path.exists() and not file.path.is_file():  # a pipe would be waited for
            raise OSError(errno.EINVAL, "not a regular file")
        data = np.frombuffer(file.path.read_bytes(), np.uint8)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = error.strerror if isinstance(error, OSError) else "not a valid file name"
        raise DataError(f"cannot read image {file.path}: {reason}") from None
    image = _decode(data, file, flags)
    (height, width), (wanted_width, wanted_height) = image.shape[:2], file.size
    if (width - height) * (wanted_width - wanted_height) < 0:
        image = _decode(data, file, flags | cv2.IMREAD_IGNORE_ORIENTATION)
    return np.ascontiguousarray(image[..., ::-1])


def _decode(data: np.ndarray, file: ImageFile, flags: int) -> np.ndarray:
    try:
        image = cv2.imdecode(data, flags)
    except cv2.error:  # no bytes, or more pixels than OpenCV takes
        image = None
    if image is None:
        raise DataError(f"cannot read image {file.path}: damaged, or of an unknown format")
    return image


@torch.inference_mode()
def detect_images(
    detector: Detector,
    files: Sequence[ImageFile],
    batch: int = 8,
    size: int | None = None,
    report: Callable[[int], None] = lambda done: None,
) -> list[np.ndarray]:
    """For each image rows (N, 6): x, y, width, height in annotation pixels, score, class.

    `size` replaces the detector's shorter side in pixels; `report` hears how many images are done.
    """
    prepare = detector.preprocessor(size)
    order = sorted(range(len(files)), key=lambda index: files[index].size[0] / files[index].size[1])
    rows: list[np.ndarray] = [np.zeros((0, 6))] * len(files)
    for start in range(0, len(order), batch):
        part = order[start : start + batch]
        images = [read_image(files[index]) for index in part]
        found = best_rows(*detector.predict(detector.encode(*prepare(images))), [files[index].size for index in part])
        for index, one in zip(part, found, strict=True):
            rows[index] = one
        report(min(start + batch, len(order)))
    return rows


def best_rows(probability: Tensor, boxes: Tensor, sizes: Sequence[tuple[int, int]]) -> list[np.ndarray]:
    """The rows of `detect_images` for a batch: probability (B, Q, K), boxes (B, Q, 4), sizes (width, height)."""
    classes = probability.shape[-1]
    scores, places = probability.flatten(1).topk(min(TOP, probability[0].numel()), dim=1)
    boxes = boxes.gather(1, (places // classes)[..., None].expand(-1, -1, 4))
    rows = []
    for (width, height), score, place, box in zip(sizes, scores, places, boxes, strict=True):
        scaled = box.cpu().numpy().astype(np.float64) * [width, height, width, height]
        scaled[:, :2] -= scaled[:, 2:] / 2
        rows.append(np.column_stack([scaled, score.cpu().numpy(), (place % classes).cpu().numpy()]))
    return rows
