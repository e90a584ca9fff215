"""Bipartite matching between predictions and annotated objects (DETR, equation 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from vidtrack.core.errors import VidtrackError
from vidtrack.model.box_tensors import area, intersection
from vidtrack.training.batches import Target
from vidtrack.training.recipe import LossConfig


@dataclass(frozen=True)
class Assignment:
    """Which query predicts which object: four index vectors (N,), `target` into the batch's concatenated objects."""

    layer: Tensor
    image: Tensor
    query: Tensor
    target: Tensor

    def __len__(self) -> int:
        return len(self.layer)

    @staticmethod
    def of(rows: np.ndarray, device: torch.device) -> Assignment:
        """From integer rows (N, 4)."""
        columns = torch.from_numpy(rows.reshape(-1, 4).astype(np.int64)).to(device)
        return Assignment(*columns.unbind(1))


@torch.no_grad()
def match(
    logits: Tensor,
    boxes: Tensor,
    targets: Sequence[Target],
    config: LossConfig,
    repeat: int = 1,
) -> Assignment:
    """Cheapest one-to-one assignment for every layer and image; one-to-`repeat` for H-DETR's targets.

    logits (D, B, Q, K); boxes (D, B, Q, 4) as cxcywh.
    """
    layers, batch, queries = logits.shape[:3]
    counts = [len(target.labels) for target in targets]
    starts = np.concatenate([[0], np.cumsum(counts)])
    if starts[-1] == 0:
        return Assignment.of(np.zeros((0, 4)), logits.device)
    cost = _padded_cost(logits.float(), boxes.float(), targets, config).cpu().numpy()
    if not np.isfinite(cost).all():
        raise VidtrackError("training has diverged: the matching cost is not finite", "lower the learning rate")
    rows = []
    for image in range(batch):
        count = counts[image]
        if not count:
            continue
        times = max(1, min(repeat, queries // count))
        for layer in range(layers):
            query, column = cheapest(cost[layer, image][:, :count], times)
            found = np.empty((len(query), 4), np.int64)
            found[:, 0], found[:, 1], found[:, 2] = layer, image, query
            found[:, 3] = column + starts[image]
            rows.append(found)
    return Assignment.of(np.concatenate(rows), logits.device)


def cheapest(cost: np.ndarray, times: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the cheapest assignment that uses each column of cost (Q, N) `times` times.

    With c = N * times pairs to make, every column finds its rows among its own c cheapest: of those at most c - 1
    can be taken by others. So all other rows are left out first, which for thousands of proposals is most of them.
    """
    pairs = cost.shape[1] * times
    rows = np.arange(len(cost))
    if len(cost) > pairs:
        rows = np.unique(np.argpartition(cost, pairs - 1, axis=0)[:pairs])
    row, column = linear_sum_assignment(np.tile(cost[rows], (1, times)))
    return rows[row], column % cost.shape[1]


def _padded_cost(logits: Tensor, boxes: Tensor, targets: Sequence[Target], config: LossConfig) -> Tensor:
    """Cost (D, B, Q, N) against each image's own objects, padded to the largest count."""
    largest = max(len(target.labels) for target in targets)
    labels = torch.zeros((len(targets), largest), dtype=torch.int64, device=logits.device)
    wanted = boxes.new_full((len(targets), largest, 4), 0.5)
    for row, target in enumerate(targets):
        labels[row, : len(target.labels)] = target.labels
        wanted[row, : len(target.labels)] = target.boxes
    probability = logits.sigmoid()
    index = labels[None, :, None].expand(len(logits), -1, logits.shape[2], -1)
    chosen = probability.gather(3, index)  # (D, B, Q, N)
    alpha, gamma = config.focal_alpha, config.focal_gamma
    absent = (1 - alpha) * chosen**gamma * -(1 - chosen + 1e-8).log()
    present = alpha * (1 - chosen) ** gamma * -(chosen + 1e-8).log()
    distance = torch.cdist(boxes, wanted[None].expand(len(boxes), -1, -1, -1), p=1)
    overlap = giou(to_xyxy(boxes)[..., :, None, :], to_xyxy(wanted)[None, :, None])
    return config.cost_class * (present - absent) + config.cost_l1 * distance - config.cost_giou * overlap


def to_xyxy(boxes_cxcywh: Tensor) -> Tensor:
    """Centre and size to edges."""
    centre, half = boxes_cxcywh[..., :2], boxes_cxcywh[..., 2:] / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def giou(a_xyxy: Tensor, b_xyxy: Tensor) -> Tensor:
    """Generalised IoU (Rezatofighi et al., CVPR 2019) of boxes whose leading shapes broadcast."""
    overlap = intersection(a_xyxy, b_xyxy)
    union = area(a_xyxy) + area(b_xyxy) - overlap
    outer = torch.maximum(a_xyxy[..., 2:], b_xyxy[..., 2:]) - torch.minimum(a_xyxy[..., :2], b_xyxy[..., :2])
    hull = outer.clamp(min=0).prod(-1)
    return overlap / union.clamp(min=1e-9) - (hull - union) / hull.clamp(min=1e-9)
