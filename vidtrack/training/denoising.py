"""Denoising queries: annotated boxes with noise that the decoder learns to remove (DN-DETR, DINO)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vidtrack.model.decoder import Queries
from vidtrack.model.detector import DeformableDETR
from vidtrack.training.batches import Target
from vidtrack.training.matcher import Assignment
from vidtrack.training.recipe import LossConfig


@dataclass(frozen=True)
class Denoising:
    """Groups of equal size, one after the other; `assignment` (for one layer) names the positives' objects."""

    queries: Queries
    group_size: int
    assignment: Assignment


def denoising_queries(
    model: DeformableDETR, targets: Sequence[Target], config: LossConfig, rng: np.random.Generator, device: torch.device
) -> Denoising | None:
    """As many groups as fit `denoising_queries`; None without objects.

    Each group holds each object once, and as many negatives moved further away (contrastive denoising, DINO
    section 3.3). Images with fewer objects than the batch's largest fill their slots with more negatives.
    """
    counts = [len(target.labels) for target in targets]
    largest = min(max(counts, default=0), config.denoising_queries // 2)
    if not largest:
        return None
    groups = max(1, config.denoising_queries // (2 * largest))
    size = 2 * largest
    starts = np.concatenate([[0], np.cumsum(counts)])
    classes = model.config.num_classes
    boxes = np.empty((len(targets), groups, size, 4), np.float32)
    labels = np.empty((len(targets), groups, size), np.int64)
    rows = []
    for image, target in enumerate(targets):
        own_boxes, own_labels = target.boxes.cpu().numpy(), target.labels.cpu().numpy()
        for group in range(groups):
            chosen = rng.permutation(counts[image])[:largest]
            positives = len(chosen)
            if counts[image]:
                source = np.concatenate([chosen, rng.integers(counts[image], size=size - positives)])
                base, label = own_boxes[source], own_labels[source]
            else:
                base = rng.uniform(0.1, 0.9, (size, 4)).astype(np.float32)
                label = rng.integers(classes, size=size)
            amount = rng.uniform(0, config.denoising_box_noise, (size, 4))
            amount[positives:] = rng.uniform(1, 2, (size - positives, 4)) * max(config.denoising_box_noise, 0.5)
            boxes[image, group] = disturb(base, amount, rng)
            swapped = rng.random(size) < config.denoising_label_noise
            labels[image, group] = np.where(swapped, rng.integers(classes, size=size), label)
            found = np.zeros((positives, 4), np.int64)
            found[:, 1], found[:, 2] = image, group * size + np.arange(positives)
            found[:, 3] = chosen + starts[image]
            rows.append(found)
    content = model.label_embed(torch.from_numpy(labels.reshape(len(targets), -1)).to(device))
    reference = torch.from_numpy(boxes.reshape(len(targets), -1, 4)).to(device)
    queries = model.box_queries(reference, content)
    return Denoising(queries, size, Assignment.of(np.concatenate(rows), device))


def disturb(boxes: np.ndarray, amount: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Move every edge of cxcywh boxes (N, 4) by `amount` (N, 4) of half the box's size, in or out."""
    half = np.concatenate([boxes[:, 2:], boxes[:, 2:]], axis=1) / 2
    edges = np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)
    edges = (edges + rng.choice([-1.0, 1.0], edges.shape) * amount * half).clip(0, 1)
    low, high = np.minimum(edges[:, :2], edges[:, 2:]), np.maximum(edges[:, :2], edges[:, 2:])
    return np.concatenate([(low + high) / 2, np.maximum(high - low, 1e-3)], axis=1).astype(np.float32)


def group_mask(groups: Sequence[tuple[int, bool]], device: torch.device) -> Tensor | None:
    """Attention mask (Q, Q), True if a query may not attend, for (size, sees_first) groups in a row.

    Every group sees itself; those marked also see the first group; the first sees no other. None for one group.
    """
    if len(groups) < 2:
        return None
    total = sum(size for size, _ in groups)
    mask = torch.ones((total, total), dtype=torch.bool, device=device)
    start, first = 0, groups[0][0]
    for size, sees_first in groups:
        mask[start : start + size, start : start + size] = False
        if sees_first:
            mask[start : start + size, :first] = False
        start += size
    return mask
