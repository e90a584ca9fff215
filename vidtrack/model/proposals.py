"""Two-stage proposals: every encoder token guesses one object (Zhu et al., section 4.2)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vidtrack.model.attention import Shapes
from vidtrack.model.encoder import cell_centres, cells_across
from vidtrack.model.light_torchvision import box_convert, nms

BASE_SIZE = 0.05  # side of a proposal on the finest level, doubled on each coarser one
CANDIDATES = 4  # times the queries: how many of the best proposals are searched for distinct ones


@dataclass(frozen=True)
class Proposals:
    """logits (B, S, K), and boxes (B, S, 4) as cxcywh before the sigmoid, +inf if there is no proposal."""

    logits: Tensor
    boxes: Tensor


def propose(
    tokens: Tensor,
    padding: Tensor | None,
    shapes: Shapes,
    valid_ratios: Tensor,
    embed: Callable[[Tensor], Tensor],
    class_head: Callable[[Tensor], Tensor],
    box_head: Callable[[Tensor], Tensor],
    cells: float = 0.0,
) -> Proposals:
    """Score and place a box at every token (B, S, C); tokens under padding or at the very edge give none."""
    prior = prior_boxes(shapes, valid_ratios, cells)  # (B, S, 4)
    centre = prior[..., :2]
    usable = ((centre > 0.01) & (centre < 0.99)).all(-1, keepdim=True)
    if padding is not None:
        usable = usable & ~padding[..., None]
    embedded = embed(tokens.masked_fill(~usable, 0.0))
    prior_logits = torch.log(prior / (1 - prior)).masked_fill(~usable, math.inf)  # float32: 16 bits shift boxes
    return Proposals(class_head(embedded), box_head(embedded) + prior_logits)


def prior_boxes(shapes: Shapes, valid_ratios: Tensor, cells: float = 0.0) -> Tensor:
    """A box (B, S, 4) as cxcywh, relative to the image, centred on every token and sized by its level.

    With `cells` its sides are so many cells of the level: the same in pixels at any resolution, so that what was
    learned at one size holds at others.
    """
    levels = []
    for level, centre in enumerate(cell_centres(shapes, valid_ratios)):
        if cells:
            size = (cells / cells_across(shapes, valid_ratios, level)).clamp(max=0.9).expand_as(centre)
        else:
            size = torch.full_like(centre, BASE_SIZE * 2.0**level)
        levels.append(torch.cat([centre, size], dim=-1))
    return torch.cat(levels, dim=1)


def best_proposals(scores: Tensor, boxes: Tensor, count: int, iou: float = 1.0) -> Tensor:
    """Token indices (B, count) of the best scores (B, S); boxes (B, S, 4) as in `Proposals`.

    With `iou` below 1 those come first that no better one overlaps by more than it, whatever the class ("dense
    distinct queries", DDQ, Zhang et al., CVPR 2023, section 3.2).
    """
    searched = CANDIDATES * count
    if not torch.compiler.is_exporting():  # an exported graph has a fixed number of queries
        count, searched = min(count, scores.shape[1]), min(searched, scores.shape[1])
    if iou >= 1:
        return scores.topk(count, dim=1).indices
    best, tokens = scores.float().topk(searched, dim=1)
    candidates = boxes.detach().float().gather(1, tokens[..., None].expand(-1, -1, 4)).sigmoid()
    apart = 4.0 * torch.arange(scores.shape[0], device=scores.device)[:, None, None]  # images never overlap
    corners = box_convert(candidates, "cxcywh", "xyxy") + apart
    distinct = nms(corners.flatten(0, 1), best.flatten(), iou)
    repeated = torch.ones_like(tokens).flatten().index_fill(0, distinct, 0).view_as(tokens)
    place = repeated * tokens.shape[1] + torch.arange(tokens.shape[1], device=tokens.device)  # a sort ONNX can express
    order = place.topk(count, dim=1, largest=False).indices
    return tokens.gather(1, order)
