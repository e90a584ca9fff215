"""Set prediction losses that know what an annotation leaves unsaid (Deformable DETR's criterion)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from vidtrack.training.batches import Target
from vidtrack.training.matcher import Assignment, area, giou, to_xyxy
from vidtrack.training.recipe import LossConfig

IGNORED_SHARE = 0.5  # of a box's area inside an ignored region, from which on nothing is held against it


def set_losses(
    logits: Tensor,
    boxes: Tensor,
    targets: Sequence[Target],
    assignment: Assignment,
    config: LossConfig,
    num_boxes: float,
) -> dict[str, Tensor]:
    """Weighted focal, L1 and GIoU losses, each summed over layers and divided by `num_boxes`.

    logits (D, B, Q, K); boxes (D, B, Q, 4) as cxcywh. The official code takes the mean of the focal loss over
    queries and multiplies it by their number: the same sum.
    """
    logits, boxes = logits.float(), boxes.float()
    labels = torch.cat([target.labels for target in targets])[assignment.target]
    wanted = torch.cat([target.boxes for target in targets])[assignment.target]
    at = (assignment.layer, assignment.picture, assignment.query)
    one_hot = torch.zeros_like(logits)
    one_hot[(*at, labels)] = 1.0
    weight = class_weights(boxes.detach(), targets, assignment, labels, logits.shape[-1], config)
    predicted = boxes[at]
    overlap = giou(to_xyxy(predicted), to_xyxy(wanted))
    return {
        "class": config.weight_class * (focal_loss(logits, one_hot, config) * weight).sum() / num_boxes,
        "l1": config.weight_l1 * (predicted - wanted).abs().sum() / num_boxes,
        "giou": config.weight_giou * (1 - overlap).sum() / num_boxes,
    }


def focal_loss(logits: Tensor, one_hot: Tensor, config: LossConfig) -> Tensor:
    """Sigmoid focal loss (Lin et al., ICCV 2017), element by element."""
    probability = logits.sigmoid()
    entropy = functional.binary_cross_entropy_with_logits(logits, one_hot, reduction="none")
    right = probability * one_hot + (1 - probability) * (1 - one_hot)
    alpha = config.focal_alpha * one_hot + (1 - config.focal_alpha) * (1 - one_hot)
    return alpha * (1 - right) ** config.focal_gamma * entropy


def class_weights(
    boxes: Tensor,
    targets: Sequence[Target],
    assignment: Assignment,
    labels: Tensor,
    classes: int,
    config: LossConfig,
) -> Tensor:
    """How much each class of each query counts, (D, B, Q, K).

    An unlabelled class is unknown: nothing is held against any query. Where annotation is incomplete, or a box
    lies in an ignored region, an unmatched query may well be right. A matched query counts in full for labelled
    classes and for its own, and for all with `exclusive_classes`.
    """
    labelled = torch.stack([target.labelled for target in targets]).to(boxes.dtype)  # (B, K)
    background = labelled.new_tensor([1.0 if target.complete else config.incomplete_negative for target in targets])
    weight = (labelled * background[:, None])[None, :, None].repeat(len(boxes), 1, boxes.shape[2], 1)
    if any(len(target.ignored) for target in targets):
        weight = weight * ~_in_ignored_region(boxes, targets)[..., None]
    at = (assignment.layer, assignment.picture, assignment.query)
    weight[at] = torch.ones_like(labelled)[assignment.picture] if config.exclusive_classes else labelled[at[1]]
    weight[(*at, labels)] = 1.0
    return weight


def _in_ignored_region(boxes: Tensor, targets: Sequence[Target]) -> Tensor:
    """(D, B, Q) bool: boxes mostly inside one of their picture's ignored regions."""
    found = torch.zeros(boxes.shape[:3], dtype=torch.bool, device=boxes.device)
    for picture, target in enumerate(targets):
        if len(target.ignored):
            own = to_xyxy(boxes[:, picture])[..., None, :]  # (D, Q, 1, 4)
            region = to_xyxy(target.ignored)
            low = torch.maximum(own[..., :2], region[:, :2])
            high = torch.minimum(own[..., 2:], region[:, 2:])
            inside = (high - low).clamp(min=0).prod(-1) / area(own).clamp(min=1e-9)
            found[:, picture] = (inside > IGNORED_SHARE).any(-1)
    return found
