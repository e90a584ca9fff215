"""From decoded frames to the normalised, padded batch a detector takes."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def target_size(width: int, height: int, size: int, max_size: int) -> tuple[int, int]:
    """(width, height) with the shorter side `size`, less if the longer exceeds `max_size`; rounded as in DETR."""
    short, long = min(width, height), max(width, height)
    if long / short * size > max_size:
        size = round(max_size * short / long)
    longer = int(size * long / short) if size else max_size
    size = max(1, size)
    return (longer, size) if width >= height else (size, longer)


def to_batch(
    images: Sequence[np.ndarray],
    size: int,
    max_size: int,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, Tensor | None]:
    """Resize uint8 RGB images (H, W, 3), normalise with ImageNet's statistics and pad to one size.

    Returns pixels (B, 3, H, W), and padding (B, H, W), True outside each image, or None if all sizes agree.
    """
    resized = []
    for image in images:
        height, width = image.shape[:2]
        to = target_size(width, height, size, max_size)
        shrinking = to[0] < width
        resized.append(cv2.resize(image, to, interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR))
    sizes = [image.shape[:2] for image in resized]
    full = (max(height for height, _ in sizes), max(width for _, width in sizes))
    batch = torch.zeros((len(resized), *full, 3), dtype=torch.uint8)
    padding = torch.ones((len(resized), *full), dtype=torch.bool)
    for slot, mask, image in zip(batch, padding, resized, strict=True):
        height, width = image.shape[:2]
        slot[:height, :width] = torch.from_numpy(image)
        mask[:height, :width] = False
    pixels = normalise(batch.to(device).permute(0, 3, 1, 2).to(dtype))
    if not padding.any():
        return pixels, None
    padding = padding.to(device)
    return pixels.masked_fill(padding[:, None], 0.0), padding


def normalise(pixels: Tensor) -> Tensor:
    """ImageNet normalisation of pixels (B, 3, H, W) in [0, 255]."""
    mean = pixels.new_tensor(IMAGENET_MEAN).view(3, 1, 1) * 255
    std = pixels.new_tensor(IMAGENET_STD).view(3, 1, 1) * 255
    return (pixels - mean) / std
