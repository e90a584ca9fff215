"""Sine position encodings of the feature grid and of boxes."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor


def _interleaved_sine(angles: Tensor, features: int, temperature: float = 10000.0) -> Tensor:
    """(..., features) sines and cosines, alternating, of angles (...)."""
    exponent = torch.arange(features, dtype=torch.float32, device=angles.device)
    frequency = temperature ** (2 * torch.div(exponent, 2, rounding_mode="floor") / features)
    phase = angles[..., None] / frequency
    return torch.stack((phase[..., 0::2].sin(), phase[..., 1::2].cos()), dim=-1).flatten(-2)


def sine_encoding(padding: Tensor, channels: int) -> Tensor:
    """Encoding (B, H*W, channels) of a feature grid, y before x (DETR, section A.4).

    padding (B, H, W) is True outside the image; positions are normalised to (0, 2 pi) over the image, with
    the half-pixel shift of Deformable DETR.
    """
    inside = (~padding).float()
    angles = []
    for axis in (1, 2):
        position = inside.cumsum(axis)
        last = position.select(axis, -1).unsqueeze(axis)
        angles.append((position - 0.5) / (last + 1e-6) * (2 * math.pi))
    return torch.cat([_interleaved_sine(angle, channels // 2) for angle in angles], dim=-1).flatten(1, 2)


@lru_cache(maxsize=64)  # the levels of a dozen image sizes
def full_grid_encoding(height: int, width: int, channels: int, device: torch.device) -> Tensor:
    """`sine_encoding` of a grid without padding, (1, height * width, channels), cached."""
    with torch.inference_mode(False):  # else training could not use it afterwards
        return sine_encoding(torch.zeros(1, height, width, dtype=torch.bool, device=device), channels)


def box_encoding(boxes: Tensor, channels: int) -> Tensor:
    """Encoding (..., 4 * channels) of boxes (..., 4) in (0, 1), as the two-stage model embeds its proposals."""
    return _interleaved_sine(boxes.float() * (2 * math.pi), channels).flatten(-2)


def clip_encoding(padding: Tensor, channels: int, frame: int, frames: int) -> Tensor:
    """Encoding (B, H*W, channels) of the feature grid of one frame of several: time before y before x.

    TrackFormer's (Meinhardt et al., CVPR 2022), without the half-pixel shift of `sine_encoding`.
    """
    inside = (~padding).float()
    angles = [inside * ((frame + 1) / (frames + 1e-6) * (2 * math.pi))]
    for axis in (1, 2):
        position = inside.cumsum(axis)
        angles.append(position / (position.select(axis, -1).unsqueeze(axis) + 1e-6) * (2 * math.pi))
    return torch.cat([_interleaved_sine(angle, channels // len(angles)) for angle in angles], dim=-1).flatten(1, 2)
