"""Arguments for the operators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vidtrack.ops import reference

Shapes = list[tuple[int, int]]
LEVELS: Shapes = [(13, 17), (7, 9), (1, 5)]


@dataclass(frozen=True)
class Case:
    """One set of arguments: reference points, raw offsets and logits, or locations and weights."""

    value: Tensor
    shapes: Shapes
    others: tuple[Tensor, ...]

    def to(self, *arguments: object) -> Case:
        others = tuple(tensor.detach().to(*arguments) for tensor in self.others)
        return Case(self.value.detach().to(*arguments), self.shapes, others)

    def requires_grad(self) -> Case:
        for tensor in self.tensors:
            tensor.requires_grad_()
        return self

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return (self.value, *self.others)

    def run(self, operator: Callable[..., Tensor]) -> Tensor:
        return operator(self.value, self.shapes, *self.others)

    def grads(self, operator: Callable[..., Tensor], grad: Tensor) -> tuple[Tensor, ...]:
        return torch.autograd.grad(self.run(operator), self.tensors, grad)


def attention_case(
    *,
    batch: int = 2,
    queries: int = 37,
    heads: int = 4,
    channels: int = 16,
    points: int = 4,
    reference_size: int = 2,
    shapes: Shapes = LEVELS,
    dtype: torch.dtype = torch.float32,
) -> Case:
    """Arguments of deformable_attention, with a good share of points outside the levels."""
    torch.manual_seed(0)
    grid = (batch, queries, heads, len(shapes), points)
    value = torch.randn(batch, sum(h * w for h, w in shapes), heads, channels, dtype=dtype)
    reference_points = torch.rand(batch, queries, len(shapes), reference_size, dtype=dtype)
    offsets = _between_pixels(shapes, reference_points, torch.randn(*grid, 2, dtype=dtype) * 3)
    return Case(value, shapes, (reference_points, offsets, torch.randn(grid, dtype=dtype) * 2))


def _between_pixels(shapes: Shapes, reference_points: Tensor, offsets: Tensor) -> Tensor:
    """Move points off pixel centres, where the gradient jumps and the last bit of a location decides its side."""
    size = torch.tensor([(width, height) for height, width in shapes], dtype=torch.float64)[:, None]
    for _ in range(20):
        at = reference.sampling_locations(shapes, reference_points.double(), offsets.double()) * size - 0.5
        close = (at - at.round()).abs() < 1e-3
        if not close.any():
            return offsets
        offsets = torch.where(close, offsets + 0.25, offsets)
    raise AssertionError("some points stay on pixel centres")


def sampling_case(
    *, queries: int = 37, channels: int = 16, dtype: torch.dtype = torch.float32, shapes: Shapes = LEVELS
) -> Case:
    """Arguments of deformable_sampling."""
    torch.manual_seed(0)
    grid = (2, queries, 3, len(shapes), 4)
    value = torch.randn(2, sum(h * w for h, w in shapes), 3, channels, dtype=dtype)
    return Case(value, shapes, (torch.rand(*grid, 2, dtype=dtype) * 1.4 - 0.2, torch.rand(grid, dtype=dtype)))


def relative_error(found: Tensor, exact: Tensor) -> float:
    """Largest difference, over the largest exact number."""
    return ((found.cpu().double() - exact).abs().max() / exact.abs().max().clamp_min(1e-30)).item()
