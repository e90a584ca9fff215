"""DETR's dense attention in the place of deformable attention, in a network that otherwise stays as it is."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional

from vidtrack.model.attention import DeformableAttention, Shapes, lowered
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.position import box_encoding
from vidtrack.model.proposals import prior_boxes


class DenseAttention(nn.Module):
    """Every query attends to every token of all levels (DETR, Carion et al., ECCV 2020).

    In the encoder the query, token plus position, is also the key. In the decoder a sine encoding of the query's
    reference box is added to the query (DAB-DETR, Liu et al., ICLR 2022), and the same encoding of its own cell to
    every token, so that the two can be compared.
    """

    def __init__(self, dim: int, heads: int, is_self: bool) -> None:
        super().__init__()
        self.heads, self.is_self = heads, is_self
        for name in ("query_proj", "key_proj", "value_proj", "output_proj"):
            layer = nn.Linear(dim, dim)
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
            self.add_module(name, layer)
        if not is_self:
            self.place = nn.Linear(2 * dim, dim)
            nn.init.xavier_uniform_(self.place.weight)
            nn.init.zeros_(self.place.bias)

    def forward(
        self, query: Tensor, reference: Tensor, tokens: Tensor, shapes: Shapes, padding: Tensor | None
    ) -> Tensor:
        """As `DeformableAttention.forward`."""
        key = query
        if not self.is_self:
            ratios = _valid_ratios(tokens, shapes, padding)
            query = query + self._encode(reference[:, :, 0] / ratios[:, :1].repeat(1, 1, 2))
            key = tokens + self._encode(prior_boxes(shapes, ratios, cells=1.0))
        parts = [self.query_proj(query), self.key_proj(key), self.value_proj(lowered(tokens, self.value_proj))]
        mask = None if padding is None else ~padding[:, None, None]
        attended = functional.scaled_dot_product_attention(
            *(part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts), attn_mask=mask
        )
        return self.output_proj(attended.transpose(1, 2).flatten(2))

    def _encode(self, boxes: Tensor) -> Tensor:
        encoded = box_encoding(boxes, self.place.in_features // 4)
        return self.place(encoded.to(self.place.weight.dtype))


def _valid_ratios(tokens: Tensor, shapes: Shapes, padding: Tensor | None) -> Tensor:
    """Share (B, L, 2), as (x, y), of each level that the image covers."""
    if padding is None:
        return torch.ones(len(tokens), len(shapes), 2, device=tokens.device)
    ratios = []
    for inside, (height, width) in zip(
        (~padding).split([height * width for height, width in shapes], dim=1), shapes, strict=True
    ):
        grid = inside.unflatten(1, (height, width))
        ratios.append(torch.stack([grid[:, 0].sum(1) / width, grid[:, :, 0].sum(1) / height], dim=-1))
    return torch.stack(ratios, dim=1)


def with_dense_attention(model: DeformableDETR, seed: int) -> DeformableDETR:
    """A copy with every deformable attention made dense; all weights that both have keep their values."""
    dense = copy.deepcopy(model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for part, is_self in ((dense.encoder, True), (dense.decoder, False)):
            for layer in part.layers:
                _replace(layer, "self_attn" if is_self else "cross_attn", model.config.heads, is_self)
    return dense


def _replace(layer: nn.Module, name: str, heads: int, is_self: bool) -> None:
    old = getattr(layer, name)
    assert isinstance(old, DeformableAttention)
    new = DenseAttention(old.value_proj.in_features, heads, is_self).to(old.value_proj.weight)
    new.value_proj.load_state_dict(old.value_proj.state_dict())
    new.output_proj.load_state_dict(old.output_proj.state_dict())
    setattr(layer, name, new)
