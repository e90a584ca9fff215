"""The output of a decoder or a whole model, and its boxes in pixels for one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vidtrack.core.boxes import cxcywh_to_xyxy
from vidtrack.core.detections import Detections
from vidtrack.model.box_tensors import iou


@dataclass(frozen=True)
class DetectorOutput:
    """Predictions of every decoder layer, in order.

    logits (D, B, Q, K); boxes (D, B, Q, 4) as cxcywh in (0, 1) of each image without its padding;
    embeddings (B, Q, C) of the last layer.
    """

    logits: Tensor
    boxes: Tensor
    embeddings: Tensor


@dataclass(frozen=True)
class Found:
    """What a whole model found in a batch: scores (B, Q, K) and boxes (B, Q, 4) as cxcywh in (0, 1) of each image."""

    scores: Tensor
    boxes: Tensor

    def __getitem__(self, index: slice) -> Found:
        return Found(self.scores[index], self.boxes[index])

    def detections(self, size: tuple[int, int], min_score: float, allowed: np.ndarray) -> Detections:
        """The best of the `allowed` (K,) classes of every query in the first image, of `size` (width, height)."""
        scores = self.scores[0].cpu().numpy() * allowed
        edges = np.array([*size, *size], dtype=np.float64)
        boxes = cxcywh_to_xyxy(self.boxes[0].cpu().numpy().astype(np.float64)) * edges
        best = scores.max(axis=1)
        rows = np.flatnonzero(best >= min_score)
        return Detections.of(np.clip(boxes[rows], 0.0, edges), best[rows], scores[rows].argmax(axis=1))


class FrameOutput:
    """The last decoder layer for one frame, on the CPU in one copy.

    probabilities (Q, K), 0 for classes not asked for; boxes_xyxy (Q, 4) pixels; embeddings (Q, C).
    """

    def __init__(self, output: DetectorOutput, size: tuple[int, int], allowed: np.ndarray) -> None:
        width, height = size
        classes = output.logits.shape[-1]
        joined = torch.cat([output.logits[-1, 0].sigmoid(), output.boxes[-1, 0], output.embeddings[0]], dim=-1)
        host = joined.float().cpu().numpy()
        self.probabilities = host[:, :classes] * allowed
        scale = np.array([width, height, width, height], dtype=np.float64)
        edges = cxcywh_to_xyxy(host[:, classes : classes + 4].astype(np.float64)) * scale
        self.boxes_xyxy = np.clip(edges, 0.0, scale)
        self.embeddings = host[:, classes + 4 :]

    def detections(self, first: int, min_score: float, sigma: float = 0.0) -> Detections:
        """What the queries from `first` on found with at least `min_score`; `sigma` is that of `decay_doubles`."""
        probabilities = self.probabilities[None, first:]
        if sigma:
            boxes = torch.from_numpy(self.boxes_xyxy[None, first:])
            probabilities = decay_doubles(torch.from_numpy(probabilities), boxes, sigma).numpy()
        classes, scores = probabilities[0].argmax(axis=1), probabilities[0].max(axis=1)
        good = np.flatnonzero(scores >= min_score)
        return Detections(
            self.boxes_xyxy[first:][good],
            scores[good].astype(np.float64),
            classes[good],
            self.embeddings[first:][good],
            good,
        )


def decay_doubles(scores: Tensor, boxes_xyxy: Tensor, sigma: float) -> Tensor:
    """Scores (B, Q, K), lowered for boxes (B, Q, 4) that overlap a better one of the same best class.

    Matrix NMS (Wang et al., NeurIPS 2020, equations 3 to 5) with a Gaussian of width `sigma`: a box that is itself a
    double lowers others less.
    """
    best, label = scores.max(dim=-1)
    better = (best[:, :, None] > best[:, None]) & (label[:, :, None] == label[:, None])  # (B, i, j): i than j
    overlap = iou(boxes_xyxy[:, :, None], boxes_xyxy[:, None]) * better
    doubled = overlap.amax(dim=1)[:, :, None]  # how much i is a double of a better one
    decay = torch.exp((doubled**2 - overlap**2) / sigma).masked_fill(~better, 1.0).amin(dim=1).clamp(max=1.0)
    return scores * decay[..., None].to(scores.dtype)
