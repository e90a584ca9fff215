"""Box arithmetic on tensors; boxes are float (..., 4) as xyxy. That on numpy arrays is `core.boxes`."""

from __future__ import annotations

import torch
from torch import Tensor


def iou(a_xyxy: Tensor, b_xyxy: Tensor) -> Tensor:
    """Intersection over union of boxes whose leading shapes broadcast."""
    overlap = intersection(a_xyxy, b_xyxy)
    return overlap / (area(a_xyxy) + area(b_xyxy) - overlap).clamp(min=1e-9)


def intersection(a_xyxy: Tensor, b_xyxy: Tensor) -> Tensor:
    """Shared area of boxes whose leading shapes broadcast."""
    low = torch.maximum(a_xyxy[..., :2], b_xyxy[..., :2])
    high = torch.minimum(a_xyxy[..., 2:], b_xyxy[..., 2:])
    return (high - low).clamp(min=0).prod(-1)


def area(boxes_xyxy: Tensor) -> Tensor:
    """Area of boxes (..., 4)."""
    return (boxes_xyxy[..., 2:] - boxes_xyxy[..., :2]).clamp(min=0).prod(-1)
