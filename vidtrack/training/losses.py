"""Set prediction losses for incomplete annotation (Deformable DETR's criterion)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from vidtrack.model.box_tensors import area, intersection, iou
from vidtrack.training.batches import Target
from vidtrack.training.matcher import Assignment, giou, to_xyxy
from vidtrack.training.recipe import LossConfig

IGNORED_SHARE = 0.5  # of a box's area inside an ignored region, from which it is not penalised
IGNORED_IOU = 0.4  # the same for a region of one class, which is a box that a detector was unsure of
DOUBLE_IOU = 0.5  # with an annotated object, from which an unmatched box is a second one of it
_QUALITY_POWER = 1.5  # of the IoU that a score should predict (DEIM)


def set_losses(
    logits: Tensor,
    boxes: Tensor,
    targets: Sequence[Target],
    assignment: Assignment,
    config: LossConfig,
    num_boxes: float,
) -> dict[str, Tensor]:
    """Weighted classification, L1 and GIoU losses, each summed over layers and divided by `num_boxes`.

    logits (D, B, Q, K); boxes (D, B, Q, 4) as cxcywh. The official code takes the mean of the focal loss over
    queries and multiplies it by their number: the same sum.
    """
    logits, boxes = logits.float(), boxes.float()
    labels = torch.cat([target.labels for target in targets])[assignment.target]
    wanted = torch.cat([target.boxes for target in targets])[assignment.target]
    at = (assignment.layer, assignment.image, assignment.query)
    trust = torch.cat([target.trust for target in targets])[assignment.target]
    one_hot = torch.zeros_like(logits)
    one_hot[(*at, labels)] = 1.0
    weight = class_weights(boxes.detach(), targets, assignment, labels, config)
    predicted = boxes[at]
    if config.class_loss == "matchability":
        quality = iou(to_xyxy(predicted.detach()), to_xyxy(wanted)).clamp(0, 1)
        wanted_scores = torch.zeros_like(logits)
        wanted_scores[(*at, labels)] = trust * quality**_QUALITY_POWER
        by_class = matchability_loss(logits, one_hot, wanted_scores)
    else:
        weight[(*at, labels)] = trust
        by_class = focal_loss(logits, one_hot, config)
    overlap = giou(to_xyxy(predicted), to_xyxy(wanted))
    return {
        "class": config.weight_class * (by_class * weight).sum() / num_boxes,
        "l1": config.weight_l1 * ((predicted - wanted).abs().sum(-1) * trust).sum() / num_boxes,
        "giou": config.weight_giou * ((1 - overlap) * trust).sum() / num_boxes,
    }


def focal_loss(logits: Tensor, one_hot: Tensor, config: LossConfig) -> Tensor:
    """Sigmoid focal loss (Lin et al., ICCV 2017), element by element."""
    probability = logits.sigmoid()
    entropy = functional.binary_cross_entropy_with_logits(logits, one_hot, reduction="none")
    right = probability * one_hot + (1 - probability) * (1 - one_hot)
    alpha = config.focal_alpha * one_hot + (1 - config.focal_alpha) * (1 - one_hot)
    return alpha * (1 - right) ** config.focal_gamma * entropy


def matchability_loss(logits: Tensor, one_hot: Tensor, wanted: Tensor) -> Tensor:
    """Matchability-aware loss (DEIM, arXiv 2412.04234, equation 3), element by element."""
    entropy = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    return entropy * torch.where(one_hot > 0, 1.0, logits.detach().sigmoid() ** _QUALITY_POWER)


def class_weights(
    boxes: Tensor,
    targets: Sequence[Target],
    assignment: Assignment,
    labels: Tensor,
    config: LossConfig,
) -> Tensor:
    """How much each class of each query counts, (D, B, Q, K).

    An unlabelled class is unknown: no query is penalised for it. If annotation is incomplete, or a box lies in an
    ignored region, an unmatched query may be right: it counts less, or not at all, unless it is on an annotated object,
    which has its query. A matched query counts in full for labelled classes and for its own, and for all with
    `exclusive_classes`, unless a region of one of those classes is there.
    """
    labelled = torch.stack([target.labelled for target in targets]).to(boxes.dtype)  # (B, K)
    complete = torch.tensor([target.complete for target in targets], device=boxes.device)
    sure = complete[:, None] | _on_objects(boxes, targets)  # (D, B, Q)
    weight = labelled[:, None] * torch.where(sure, 1.0, config.incomplete_negative)[..., None]
    everywhere, by_class = _ignored(boxes, targets, labelled)
    weight = weight * ~everywhere[..., None]
    at = (assignment.layer, assignment.image, assignment.query)
    weight[at] = torch.ones_like(labelled)[assignment.image] if config.exclusive_classes else labelled[at[1]]
    weight = weight.masked_fill(by_class, 0.0)
    weight[(*at, labels)] = 1.0
    return weight


def _on_objects(boxes: Tensor, targets: Sequence[Target]) -> Tensor:
    """Boxes (D, B, Q) that overlap an annotated object; padding has no area, so nothing overlaps it."""
    objects = nn.utils.rnn.pad_sequence([target.boxes for target in targets], batch_first=True)  # (B, N, 4)
    return (iou(to_xyxy(boxes)[..., None, :], to_xyxy(objects)[None, :, None]) > DOUBLE_IOU).any(-1)


def _ignored(boxes: Tensor, targets: Sequence[Target], labelled: Tensor) -> tuple[Tensor, Tensor]:
    """Boxes (D, B, Q) mostly inside a region for all classes, and (D, B, Q, K) that overlap a region of a single class.

    Regions are padded to the largest number in an image; padding has no area, so no box overlaps it.
    """
    regions = nn.utils.rnn.pad_sequence([target.ignored for target in targets], batch_first=True)  # (B, M, 4)
    of_class = nn.utils.rnn.pad_sequence(
        [target.ignored_labels for target in targets], batch_first=True, padding_value=-1
    )
    of_all = of_class < 0
    own, areas = to_xyxy(boxes)[..., None, :], to_xyxy(regions)[None, :, None]  # (D, B, Q, 1, 4), (1, B, 1, M, 4)
    inside = intersection(own, areas) / area(own).clamp(min=1e-9)
    everywhere = ((inside > IGNORED_SHARE) & of_all[:, None]).any(-1)
    one_hot = functional.one_hot(of_class.clamp(min=0), labelled.shape[-1]) * ~of_all[..., None]
    near = (iou(own, areas) > IGNORED_IOU).to(boxes.dtype)
    return everywhere, near @ one_hot.to(boxes.dtype) > 0
