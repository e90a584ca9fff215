"""Exported programs of the operators serve other sizes than the one they were traced with."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vidtrack import ops
from vidtrack.ops import reference


class Sampling(nn.Module):
    def forward(self, level: Tensor, locations: Tensor, weights: Tensor) -> Tensor:
        """level (B, M, D, H, W)."""
        value = level.flatten(3).permute(0, 3, 1, 2).contiguous()
        return ops.deformable_sampling(value, [(level.shape[3], level.shape[4])], locations, weights)


class Attention(nn.Module):
    def forward(self, level: Tensor, points: Tensor, offsets: Tensor, logits: Tensor) -> Tensor:
        value = level.flatten(3).permute(0, 3, 1, 2).contiguous()
        return ops.deformable_attention(value, [(level.shape[3], level.shape[4])], points, offsets, logits)


def inputs(kind: type[nn.Module], height: int, width: int) -> tuple[Tensor, ...]:
    torch.manual_seed(0)
    level, shared = torch.randn(1, 2, 8, height, width), torch.rand(1, 5, 2, 1, 4, 2)
    weights = torch.randn(1, 5, 2, 1, 4)
    return (level, shared, weights) if kind is Sampling else (level, torch.rand(1, 5, 1, 2), shared, weights)


@pytest.mark.parametrize("kind", [Sampling, Attention])
def test_export_with_dynamic_sizes_serves_every_size(kind: type[nn.Module]) -> None:
    if not ops.is_compiled():
        pytest.skip("no compiled library")
    first = inputs(kind, 6, 7)
    sizes = {3: torch.export.Dim("height", min=2, max=64), 4: torch.export.Dim("width", min=2, max=64)}
    program = torch.export.export(kind(), first, dynamic_shapes=(sizes, *[None] * (len(first) - 1))).module()
    operator = reference.deformable_sampling if kind is Sampling else reference.deformable_attention
    for height, width in ((6, 7), (9, 4), (33, 20)):
        level, *others = inputs(kind, height, width)
        expected = operator(level.flatten(3).permute(0, 3, 1, 2), [(height, width)], *others)
        torch.testing.assert_close(program(level, *others), expected, rtol=1e-4, atol=1e-5)
