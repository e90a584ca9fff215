"""The encoder: every feature token gathers from all levels around its own place."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vidtrack.model.attention import DeformableAttention, FeedForward, Shapes
from vidtrack.model.config import DetectorConfig


class EncoderLayer(nn.Module):
    """Deformable self-attention, then a feed-forward block; both post-normalised."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.self_attn = DeformableAttention(dim, config.heads, config.num_levels, config.points)
        self.norm1 = nn.LayerNorm(dim)
        self.ffn = FeedForward(dim, config.feedforward_dim, config.dropout)
        self.norm2 = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, tokens: Tensor, position: Tensor, reference: Tensor, shapes: Shapes, padding: Tensor | None
    ) -> Tensor:
        attended = self.self_attn(tokens + position, reference, tokens, shapes, padding)
        tokens = self.norm1(tokens + self.dropout(attended))
        return self.norm2(tokens + self.ffn(tokens))


class Encoder(nn.Module):
    """A stack of encoder layers over the concatenated levels."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.encoder_layers))

    def forward(
        self, tokens: Tensor, position: Tensor, shapes: Shapes, valid_ratios: Tensor, padding: Tensor | None
    ) -> Tensor:
        """tokens and position (B, S, C); valid_ratios (B, L, 2) as (x, y). Returns (B, S, C)."""
        reference = grid_references(shapes, valid_ratios)
        for layer in self.layers:
            tokens = layer(tokens, position, reference, shapes, padding)
        return tokens


def grid_references(shapes: Shapes, valid_ratios: Tensor) -> Tensor:
    """Reference points (B, S, L, 2): each token's centre, relative to the image, as seen on every level."""
    return torch.cat(cell_centres(shapes, valid_ratios), dim=1)[:, :, None] * valid_ratios[:, None]


def cell_centres(shapes: Shapes, valid_ratios: Tensor) -> list[Tensor]:
    """For each level the centres (B, H*W, 2) of its cells as (x, y), relative to the image without its padding."""
    levels = []
    for level, (height, width) in enumerate(shapes):
        y = torch.arange(height, device=valid_ratios.device) + 0.5
        x = torch.arange(width, device=valid_ratios.device) + 0.5
        centre = torch.stack((x.expand(height, width), y[:, None].expand(height, width)), dim=-1).flatten(0, 1)
        levels.append(centre / cells_across(shapes, valid_ratios, level))
    return levels


def cells_across(shapes: Shapes, valid_ratios: Tensor, level: int) -> Tensor:
    """How many cells (B, 1, 2) of a level, as (x, y), the image without its padding covers."""
    height, width = shapes[level]
    across, down = valid_ratios[:, None, level].unbind(-1)
    return torch.stack([across * width, down * height], dim=-1)
