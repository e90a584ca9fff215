"""From decoded frames to the normalised, padded batch a detector takes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
import torch
from torch import Tensor

from vidtrack.core.errors import UsageError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
SMALLEST_SIZE = 32  # pixels; below, the deepest backbone level is empty


def check_size(size: int | None, default: int) -> None:
    """Raise UsageError if the shorter side is too small for any backbone; None is the model's default."""
    if size is not None and size < SMALLEST_SIZE:
        raise UsageError(f"size is {size}", f"use {SMALLEST_SIZE} pixels or more; the model's default is {default}")


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
    batch, padding = resize_and_pad(images, size, max_size)
    pixels = _pixels(batch, device, dtype)
    if padding is None:
        return pixels, None
    padding = padding.to(device)
    return pixels.masked_fill(padding[:, None], 0.0), padding


def resize_and_pad(images: Sequence[np.ndarray], size: int, max_size: int) -> tuple[np.ndarray, Tensor | None]:
    """uint8 RGB images (B, H, W, 3), resized and padded, and their padding as `to_batch` gives it."""
    resized = []
    for image in images:
        height, width = image.shape[:2]
        to = target_size(width, height, size, max_size)
        shrinking = to[0] < width
        resized.append(cv2.resize(image, to, interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR))
    sizes = {image.shape[:2] for image in resized}
    if len(sizes) == 1:
        return np.stack(resized), None
    full = (max(height for height, _ in sizes), max(width for _, width in sizes))
    batch = np.zeros((len(resized), *full, 3), np.uint8)
    padding = torch.ones((len(resized), *full), dtype=torch.bool)
    for slot, mask, image in zip(batch, padding, resized, strict=True):
        height, width = image.shape[:2]
        slot[:height, :width] = image
        mask[:height, :width] = False
    return batch, padding


def _pixels(images: np.ndarray, device: torch.device | str, dtype: torch.dtype) -> Tensor:
    """Normalised pixels (B, 3, H, W) of uint8 images (B, H, W, 3); on a CPU by a lookup table, in one pass."""
    if torch.device(device).type == "cpu":
        flat = cv2.LUT(images.reshape(-1, 1, 3), _normalised_bytes())
        return torch.from_numpy(flat.reshape(images.shape)).permute(0, 3, 1, 2).to(dtype)
    return normalise(torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float()).to(dtype)


@cache
def _normalised_bytes() -> np.ndarray:
    """What `normalise` makes of each byte in each channel, (256, 1, 3)."""
    every = torch.arange(256.0).view(1, 1, 256, 1).expand(1, 3, 256, 1)
    return np.ascontiguousarray(normalise(every)[0].permute(1, 2, 0).numpy())


def normalise(pixels: Tensor) -> Tensor:
    """ImageNet normalisation of pixels (B, 3, H, W) in [0, 255]."""
    mean = pixels.new_tensor(IMAGENET_MEAN).view(3, 1, 1) * 255
    std = pixels.new_tensor(IMAGENET_STD).view(3, 1, 1) * 255
    return (pixels - mean) / std
