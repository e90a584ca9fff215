"""Deformable attention of other packages, as `benchmarks/sampler.py` calls it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vidtrack.ops import reference

Shapes = list[tuple[int, int]]
Operator = Callable[[Tensor, Shapes, Tensor, Tensor, Tensor], Tensor]
Unfused = Callable[[Tensor, Shapes, Tensor, Tensor], Tensor]


def with_glue(unfused: Unfused) -> Operator:
    """Softmax and locations in PyTorch before an operator that takes weights and locations."""

    def operator(value: Tensor, shapes: Shapes, points: Tensor, offsets: Tensor, logits: Tensor) -> Tensor:
        locations = reference.sampling_locations(shapes, points, offsets)
        weights = logits.flatten(-2).softmax(-1).view_as(logits)
        return unfused(value, shapes, locations.to(value.dtype), weights)

    return operator


def level_starts(shapes: Shapes, device: torch.device) -> tuple[Tensor, Tensor]:
    """Shapes (L, 2) and first positions (L,) as the other packages take them."""
    sizes = torch.tensor(shapes, device=device)
    areas = sizes.prod(1)
    return sizes, torch.cat([areas.new_zeros(1), areas.cumsum(0)[:-1]])


def torch_ms_deform_attn() -> Unfused:
    function = importlib.import_module("torch_ms_deform_attn").ms_deform_attn
    return lambda v, s, x, w: function(v, *level_starts(s, v.device), x, w, 64)


def msda_triton() -> Unfused:
    function = importlib.import_module("msda_triton").multiscale_deformable_attention
    return lambda v, s, x, w: function(v, level_starts(s, v.device)[0], x, w, "zeros", False).flatten(2)


def official() -> Unfused:
    """The extension of the Deformable DETR repository, built there with its own setup.py."""
    return differentiable(importlib.import_module("MultiScaleDeformableAttention"))


def hugging_face() -> Unfused:
    """The kernel that the transformers package downloads."""
    return differentiable(importlib.import_module("kernels").get_kernel("kernels-community/deformable-detr"))


def differentiable(module: Any) -> Unfused:
    """Join the two functions of the official extension, or of its descendants."""

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *inputs: Tensor) -> Tensor:
            ctx.save_for_backward(*inputs)
            output: Tensor = module.ms_deform_attn_forward(*inputs, 64)
            return output

        @staticmethod
        def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
            value, locations, weights = module.ms_deform_attn_backward(*ctx.saved_tensors, grads[0].contiguous(), 64)
            return value, None, None, locations, weights

    return lambda v, s, x, w: Function.apply(v, *level_starts(s, v.device), x, w)


CPU_PEERS = (torch_ms_deform_attn,)
CUDA_PEERS = (official, hugging_face, msda_triton, torch_ms_deform_attn)
