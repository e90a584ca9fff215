"""The decoder: queries attend to each other, then to the encoder's tokens around their reference."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vidtrack.model.attention import DeformableAttention, FeedForward, Shapes, lowered
from vidtrack.model.config import DetectorConfig


@dataclass(frozen=True)
class Queries:
    """What the decoder starts from.

    content and position (B, Q, C); reference (B, Q, 2) points or (B, Q, 4) cxcywh boxes in (0, 1);
    attention_mask (Q, Q), True where a query (row) may not see another (column).
    """

    content: Tensor
    position: Tensor
    reference: Tensor
    attention_mask: Tensor | None = None

    def __post_init__(self) -> None:
        if self.content.shape != self.position.shape or self.content.shape[:2] != self.reference.shape[:2]:
            raise ValueError(
                f"queries disagree: content {tuple(self.content.shape)}, position {tuple(self.position.shape)}, "
                f"reference {tuple(self.reference.shape)}"
            )

    def __len__(self) -> int:
        return self.content.shape[1]

    @staticmethod
    def cat(first: Queries, second: Queries, attention_mask: Tensor | None = None) -> Queries:
        """`first` followed by `second`; `attention_mask` covers both and replaces their own."""
        return Queries(
            torch.cat([first.content, second.content], dim=1),
            torch.cat([first.position, second.position], dim=1),
            torch.cat([first.reference, second.reference], dim=1),
            attention_mask,
        )


class DecoderLayer(nn.Module):
    """Self-attention among queries, deformable cross-attention, feed-forward; each post-normalised."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.self_attn = nn.MultiheadAttention(dim, config.heads, dropout=config.dropout, batch_first=True)
        self.cross_attn = DeformableAttention(dim, config.heads, config.num_levels, config.points)
        self.ffn = FeedForward(dim, config.feedforward_dim, config.dropout)
        self.norm1 = nn.LayerNorm(dim)  # after cross-attention, as the official keys have it
        self.norm2 = nn.LayerNorm(dim)  # after self-attention
        self.norm3 = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        content: Tensor,
        queries: Queries,
        reference: Tensor,
        tokens: Tensor,
        shapes: Shapes,
        padding: Tensor | None,
    ) -> Tensor:
        query = content + queries.position
        mixed, _ = self.self_attn(query, query, content, attn_mask=queries.attention_mask, need_weights=False)
        content = self.norm2(content + self.dropout(mixed))
        seen = self.cross_attn(content + queries.position, reference, tokens, shapes, padding)
        content = self.norm1(content + self.dropout(seen))
        return self.norm3(content + self.ffn(content))


class BoxHead(nn.Module):
    """Three linear layers from an embedding to an unactivated cxcywh box."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        last = nn.Linear(dim, 4)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.layers = nn.ModuleList([nn.Linear(dim, dim), nn.Linear(dim, dim), last])

    def start_small(self) -> None:
        """Make boxes start a little smaller than a tenth of the image, by a bias of -2 on width and height."""
        last = self.layers[2]
        assert isinstance(last, nn.Linear)
        nn.init.constant_(last.bias.data[2:], -2.0)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.layers[1](self.layers[0](lowered(x, self.layers[0])).relu()).relu()
        return self.layers[2](hidden.to(next(self.layers[2].parameters()).dtype))


def inverse_sigmoid(x: Tensor, eps: float = 1e-5) -> Tensor:
    """Logit of x, with x and 1 - x kept at or above eps."""
    return torch.log(x.clamp(eps, 1.0) / (1 - x).clamp(eps, 1.0))  # two clamps in a row break the ONNX exporter


def refine(delta: Tensor, reference: Tensor) -> Tensor:
    """Boxes (..., 4) in (0, 1): the head's delta added, before the sigmoid, to a point or box reference."""
    base = inverse_sigmoid(reference)
    if base.shape[-1] == 2:
        base = torch.nn.functional.pad(base, (0, 2))
    return (delta + base).sigmoid()


class Decoder(nn.Module):
    """A stack of decoder layers whose references follow the predicted boxes when `box_refine` is on."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        self.box_refine = config.box_refine
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.decoder_layers))

    def forward(
        self,
        queries: Queries,
        tokens: Tensor,
        shapes: Shapes,
        valid_ratios: Tensor,
        padding: Tensor | None,
        box_heads: nn.ModuleList,
    ) -> tuple[Tensor, Tensor]:
        """Decode against tokens (B, S, C). Returns embeddings (D, B, Q, C) and boxes (D, B, Q, 4) in (0, 1)."""
        content, reference = queries.content, queries.reference
        embeddings, boxes = [], []
        first = self.layers[0]
        assert isinstance(first, DecoderLayer)
        tokens = lowered(tokens, first.cross_attn.value_proj)  # once for all layers
        for layer, box_head in zip(self.layers, box_heads, strict=False):
            ratios = valid_ratios if reference.shape[-1] == 2 else valid_ratios.repeat(1, 1, 2)
            content = layer(content, queries, reference[:, :, None] * ratios[:, None], tokens, shapes, padding)
            box = refine(box_head(content), reference)
            embeddings.append(content)
            boxes.append(box)
            if self.box_refine:
                reference = box.detach()
        return torch.stack(embeddings), torch.stack(boxes)
