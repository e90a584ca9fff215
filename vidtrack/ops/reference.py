"""Multi-scale deformable attention in plain PyTorch: oracle of the tests, fallback without a compiled library."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

Shapes = Sequence[tuple[int, int]]
Sampling = Callable[[Tensor, Shapes, Tensor, Tensor], Tensor]  # as deformable_sampling


def sampling_locations(shapes: Shapes, reference_points: Tensor, sampling_offsets: Tensor) -> Tensor:
    """Turn raw offsets into locations in [0, 1] of their level, (B, Q, M, L, P, 2) as (x, y).

    reference_points: (B, Q, L, 2), offsets are then in pixels of the level; or (B, Q, L, 4) as (cx, cy, w, h), offsets
    are then in half boxes divided by the number of points (Zhu et al. 2021, appendix A.3).
    """
    centre = reference_points[:, :, None, :, None, :2]  # (B, Q, 1, L, 1, 2)
    if reference_points.shape[-1] == 4:
        points = sampling_offsets.shape[-2]
        size = reference_points[:, :, None, :, None, 2:]
        return centre + sampling_offsets / points * size * 0.5
    # new_tensor of the whole list would make the sizes constants of an exported graph
    sides = [torch.stack([sampling_offsets.new_full((), side) for side in (w, h)]) for h, w in shapes]
    width_height = torch.stack(sides)  # (L, 2)
    return centre + sampling_offsets / width_height[:, None, :]


def deformable_sampling(value: Tensor, shapes: Shapes, sampling_locations: Tensor, attention_weights: Tensor) -> Tensor:
    """Weighted sum of bilinear samples, (B, Q, M*D) (Zhu et al. 2021, equation 3 without the projections).

    value: (B, S, M, D); sampling_locations: (B, Q, M, L, P, 2) in [0, 1]; attention_weights: (B, Q, M, L, P).
    16-bit inputs are computed in float32.
    """
    batch, _, heads, dim = value.shape
    queries, points = sampling_locations.shape[1], sampling_locations.shape[4]
    dtype = torch.promote_types(value.dtype, torch.float32)
    grid = sampling_locations.to(dtype) * 2 - 1  # grid_sample counts from -1 to 1
    samples = []
    for level, values in enumerate(value.to(dtype).split([h * w for h, w in shapes], dim=1)):
        height, width = shapes[level]
        image = values.permute(0, 2, 3, 1).reshape(batch * heads, dim, height, width)
        level_grid = grid[:, :, :, level].transpose(1, 2).reshape(batch * heads, queries, points, 2)
        samples.append(F.grid_sample(image, level_grid, mode="bilinear", padding_mode="zeros", align_corners=False))
    weights = attention_weights.to(dtype).transpose(1, 2).reshape(batch * heads, 1, queries, -1)
    summed = (torch.cat(samples, dim=-1) * weights).sum(-1)  # (B*M, D, Q)
    return summed.reshape(batch, heads * dim, queries).transpose(1, 2).to(value.dtype)


def deformable_attention(
    value: Tensor,
    shapes: Shapes,
    reference_points: Tensor,
    sampling_offsets: Tensor,
    attention_logits: Tensor,
    sampling: Sampling = deformable_sampling,
) -> Tensor:
    """The fused operator from raw offsets (B, Q, M, L, P, 2) and raw logits (B, Q, M, L, P), (B, Q, M*D)."""
    dtype = torch.promote_types(value.dtype, torch.float32)
    locations = sampling_locations(shapes, reference_points.to(dtype), sampling_offsets.to(dtype))
    weights = attention_logits.to(dtype).flatten(-2).softmax(-1).view_as(attention_logits)
    return sampling(value, shapes, locations, weights)
