"""Multi-scale deformable attention of transformers' models, run by our operator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from vidtrack.ops import deformable_attention

_SUFFIX = "MultiscaleDeformableAttention"  # of the class in every model file of transformers that has one


def use_compiled_attention(model: nn.Module) -> int:
    """Make every deformable attention inside `model` sample with our operator; returns their number.

    Weights and results are unchanged; softmax, locations and sampling become one call. Attention weights
    are no longer returned. An attention that samples in another way (RT-DETRv2's `discrete`) is left unchanged.
    """
    found = [module for module in model.modules() if type(module).__name__.endswith(_SUFFIX) and _is_bilinear(module)]
    for module in found:
        module.forward = partial(_attend, module, _points(module))
    return len(found)


def _is_bilinear(module: nn.Module) -> bool:
    return getattr(module, "method", getattr(module, "decoder_method", "default")) == "default"


def _points(module: Any) -> tuple[int, ...]:
    """Sampling points per head on each level."""
    if isinstance(module.n_points, int):
        return (module.n_points,) * module.n_levels
    return tuple(module.n_points)


def _attend(
    module: Any,
    points: tuple[int, ...],
    hidden_states: Tensor,
    attention_mask: Tensor | None = None,
    encoder_hidden_states: Tensor | None = None,
    encoder_attention_mask: Tensor | None = None,
    position_embeddings: Tensor | None = None,
    reference_points: Tensor | None = None,
    spatial_shapes: Tensor | None = None,
    spatial_shapes_list: Sequence[tuple[int, int]] | None = None,
    level_start_index: Tensor | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """What all these modules compute (Zhu et al., equation 3), under the names that they share."""
    assert encoder_hidden_states is not None and reference_points is not None and spatial_shapes_list is not None
    query = hidden_states if position_embeddings is None else hidden_states + position_embeddings
    value = module.value_proj(encoder_hidden_states) if hasattr(module, "value_proj") else encoder_hidden_states
    if attention_mask is not None:
        value = value.masked_fill(~attention_mask[..., None], 0.0)
    value = value.unflatten(-1, (module.n_heads, -1))  # (B, S, M, D)
    grid = (*query.shape[:2], module.n_heads, sum(points))
    offsets = module.sampling_offsets(query).view(*grid, 2)
    logits = module.attention_weights(query).view(grid)
    scale = 2 * getattr(module, "offset_scale", 0.5)  # the operator takes offsets in half boxes
    if reference_points.shape[-1] == 4 and scale != 1:
        offsets = offsets * scale
    offsets, logits = _by_level(offsets, logits, points, reference_points.shape[-1] == 4)
    reference = reference_points.expand(-1, -1, len(points), -1)
    shapes = [(int(height), int(width)) for height, width in spatial_shapes_list]
    output = deformable_attention(value, shapes, reference, offsets, logits)
    return (module.output_proj(output) if hasattr(module, "output_proj") else output), None


def _by_level(offsets: Tensor, logits: Tensor, points: tuple[int, ...], in_boxes: bool) -> tuple[Tensor, Tensor]:
    """Offsets (B, Q, M, L, P, 2) and logits (B, Q, M, L, P); levels with fewer points (D-FINE) get some of weight 0."""
    most = max(points)
    if min(points) == most:
        return offsets.unflatten(3, (len(points), most)), logits.unflatten(3, (len(points), most))
    padded_offsets, padded_logits = [], []
    for count, offset, logit in zip(points, offsets.split(points, 3), logits.split(points, 3), strict=True):
        spread = offset * (most / count) if in_boxes else offset  # the operator divides by `most`
        padded_offsets.append(nn.functional.pad(spread, (0, 0, 0, most - count)))
        padded_logits.append(nn.functional.pad(logit, (0, most - count), value=-math.inf))
    return torch.stack(padded_offsets, 3), torch.stack(padded_logits, 3)
