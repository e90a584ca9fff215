"""The compiled library: finding it, and what PyTorch must know of its operators beside their kernels.

The schemas and the kernels are in `csrc/`; here are the fake kernels (shapes without data, for torch.compile and
torch.export), the gradients and the autocast rules.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

Context = Any  # the object on which autograd saves tensors


@dataclass(frozen=True)
class Library:
    """A loaded library: its file, the instruction set of its CPU kernels and the architectures of its CUDA kernels."""

    path: Path
    instruction_set: str
    cuda_architectures: tuple[str, ...]


def load() -> Library:
    """Load the library and register its operators; raises OSError or RuntimeError."""
    path = _find()
    torch.ops.load_library(path)
    instruction_set, _, architectures = torch.ops.vidtrack.build_info().partition(";")
    _register()
    return Library(path, instruction_set, tuple(a for a in architectures.split(";") if a))


def _find() -> Path:
    package = importlib.util.find_spec("vidtrack")
    for folder in (package.submodule_search_locations or []) if package else []:
        path = Path(folder, "_C.so")
        if path.is_file():
            return path
    raise FileNotFoundError("vidtrack/_C.so does not exist: it was not built during installation")


def _output_like(value: Tensor, offsets: Tensor) -> Tensor:
    return value.new_empty((value.shape[0], offsets.shape[1], value.shape[2] * value.shape[3]))


def _fake_attention(value: Tensor, shapes: Sequence[int], reference: Tensor, offsets: Tensor, logits: Tensor) -> Tensor:
    return _output_like(value, offsets)


def _fake_sampling(value: Tensor, shapes: Sequence[int], locations: Tensor, weights: Tensor) -> Tensor:
    return _output_like(value, locations)


def _fake_backward(grad: Tensor, value: Tensor, shapes: Sequence[int], *others: Tensor) -> tuple[Tensor, ...]:
    return tuple(tensor.new_empty(tensor.shape) for tensor in (value, *others))


def _save_inputs(ctx: Context, inputs: tuple[Any, ...], output: Tensor) -> None:
    value, ctx.shapes, *others = inputs
    ctx.save_for_backward(value, *others)


def _attention_grad(ctx: Context, grad: Tensor) -> tuple[Tensor | None, ...]:
    value, *others = ctx.saved_tensors
    grads = torch.ops.vidtrack.deformable_attention_backward(grad, value, ctx.shapes, *others)
    return grads[0], None, *grads[1:]


def _sampling_grad(ctx: Context, grad: Tensor) -> tuple[Tensor | None, ...]:
    value, *others = ctx.saved_tensors
    grads = torch.ops.vidtrack.deformable_sampling_backward(grad, value, ctx.shapes, *others)
    return grads[0], None, *grads[1:]


def _no_second_grad(ctx: Context, *grads: Tensor) -> None:
    raise NotImplementedError("deformable attention can be differentiated once only")


def _autocast_rule(operator: Callable[..., Tensor], device_type: str) -> Callable[..., Tensor]:
    """Lower the precision of `value` alone: 16-bit references and locations would be off by parts of a pixel."""

    def rule(value: Tensor, shapes: Sequence[int], *others: Tensor) -> Tensor:
        if value.dtype == torch.float32:
            value = value.to(torch.get_autocast_dtype(device_type))
        with torch.autocast(device_type, enabled=False):
            return operator(value, shapes, *others)

    return rule


def _register() -> None:
    namespace = torch.ops.vidtrack
    operators: dict[str, tuple[Callable[..., Tensor], Callable[..., Tensor], Callable[..., Any]]] = {
        "deformable_attention": (namespace.deformable_attention.default, _fake_attention, _attention_grad),
        "deformable_sampling": (namespace.deformable_sampling.default, _fake_sampling, _sampling_grad),
    }
    for name, (operator, fake, grad) in operators.items():
        torch.library.register_fake(f"vidtrack::{name}", fake)
        torch.library.register_autograd(f"vidtrack::{name}", grad, setup_context=_save_inputs)
        torch.library.register_fake(f"vidtrack::{name}_backward", _fake_backward)
        torch.library.register_autograd(f"vidtrack::{name}_backward", _no_second_grad)
        for device_type, key in (("cpu", "AutocastCPU"), ("cuda", "AutocastCUDA")):
            _fragment.impl(name, _autocast_rule(operator, device_type), key)


_fragment = torch.library.Library("vidtrack", "FRAGMENT")  # registrations last as long as this object
