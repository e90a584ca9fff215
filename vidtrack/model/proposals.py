"""Two-stage proposals: every encoder token guesses one object (Zhu et al., section 4.2)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vidtrack.model.attention import Shapes

BASE_SIZE = 0.05  # side of a proposal on the finest level, doubled on each coarser one


@dataclass(frozen=True)
class Proposals:
    """logits (B, S, K), and boxes (B, S, 4) as cxcywh before the sigmoid, +inf where no proposal can be."""

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
) -> Proposals:
    """Score and place a box at every token (B, S, C); tokens under padding or at the very edge give none."""
    prior = prior_boxes(shapes, valid_ratios)  # (B, S, 4)
    usable = ((prior > 0.01) & (prior < 0.99)).all(-1, keepdim=True)
    if padding is not None:
        usable = usable & ~padding[..., None]
    embedded = embed(tokens.masked_fill(~usable, 0.0))
    prior_logits = torch.log(prior / (1 - prior)).masked_fill(~usable, math.inf)  # float32: 16 bits shift boxes
    return Proposals(class_head(embedded), box_head(embedded) + prior_logits)


def prior_boxes(shapes: Shapes, valid_ratios: Tensor) -> Tensor:
    """A box (B, S, 4) as cxcywh, relative to the picture, centred on every token and sized by its level."""
    levels = []
    for level, (height, width) in enumerate(shapes):
        y = torch.arange(height, device=valid_ratios.device) + 0.5
        x = torch.arange(width, device=valid_ratios.device) + 0.5
        centre = torch.stack((x.expand(height, width), y[:, None].expand(height, width)), dim=-1).flatten(0, 1)
        extent = valid_ratios[:, None, level] * valid_ratios.new_tensor([width, height])
        centre = centre / extent  # (B, H*W, 2)
        size = torch.full_like(centre, BASE_SIZE * 2.0**level)
        levels.append(torch.cat([centre, size], dim=-1))
    return torch.cat(levels, dim=1)
