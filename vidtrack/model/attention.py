"""The two attentions of Deformable DETR."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vidtrack.ops import deformable_attention

Shapes = Sequence[tuple[int, int]]


def lowered(x: Tensor, layer: nn.Module) -> Tensor:
    """x in the number format of a layer with 16-bit weights, else as it is."""
    dtype = next(layer.parameters()).dtype
    return x if dtype == torch.float32 else x.to(dtype)


class DeformableAttention(nn.Module):
    """Multi-scale deformable attention (Zhu et al., equation 3)."""

    swapped_offsets = False  # divide x by a level's height and y by its width, around points: TrackFormer's code does

    def __init__(self, dim: int, heads: int, levels: int, points: int) -> None:
        super().__init__()
        self.heads, self.levels, self.points = heads, levels, points
        self.sampling_offsets = nn.Linear(dim, heads * levels * points * 2)
        self.attention_weights = nn.Linear(dim, heads * levels * points)
        self.value_proj = nn.Linear(dim, dim)
        self.output_proj = nn.Linear(dim, dim)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        nn.init.zeros_(self.sampling_offsets.weight)
        theta = torch.arange(self.heads) * (2 * math.pi / self.heads)
        direction = torch.stack([theta.cos(), theta.sin()], dim=-1)
        direction = direction / direction.abs().amax(dim=-1, keepdim=True)
        steps = torch.arange(1, self.points + 1)  # point k starts k pixels out
        grid = direction[:, None, None] * steps[None, None, :, None]  # (heads, 1, points, 2)
        with torch.no_grad():
            self.sampling_offsets.bias.copy_(grid.expand(-1, self.levels, -1, -1).flatten())
        nn.init.zeros_(self.attention_weights.weight)
        nn.init.zeros_(self.attention_weights.bias)
        for layer in (self.value_proj, self.output_proj):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(
        self, query: Tensor, reference: Tensor, tokens: Tensor, shapes: Shapes, padding: Tensor | None
    ) -> Tensor:
        """Attend from query (B, Q, C) around reference (B, Q, L, 2 or 4) into tokens (B, S, C) of levels `shapes`."""
        batch, num_queries, _ = query.shape
        value = self.value_proj(lowered(tokens, self.value_proj))
        if padding is not None:
            value = value.masked_fill(padding[..., None], 0.0)
        grid = (batch, num_queries, self.heads, self.levels, self.points)
        offsets = self.sampling_offsets(query).view(*grid, 2)
        if self.swapped_offsets and reference.shape[-1] == 2:
            offsets = offsets * offsets.new_tensor([(w / h, h / w) for h, w in shapes])[:, None]
        logits = self.attention_weights(query).view(grid)
        value = value.unflatten(-1, (self.heads, -1))  # (B, S, M, D)
        return self.output_proj(deformable_attention(value, shapes, reference, offsets, logits))


class FeedForward(nn.Module):
    """Two linear layers with a ReLU between."""

    def __init__(self, dim: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.linear1 = nn.Linear(dim, hidden)
        self.linear2 = nn.Linear(hidden, dim)
        for layer in (self.linear1, self.linear2):
            nn.init.xavier_uniform_(layer.weight)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(self.linear2(self.dropout(self.linear1(lowered(x, self.linear1)).relu_())))
