"""Multi-scale deformable attention: compiled kernels if available, plain PyTorch otherwise.

Environment variables: VIDTRACK_OPS=reference leaves the compiled kernels out; VIDTRACK_CPU=baseline|avx2|avx512 chooses
among those of the CPU, which otherwise are the widest the processor has.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

import torch
from torch import Tensor

from vidtrack.core.errors import UsageError
from vidtrack.ops import compiled, reference

__all__ = [
    "announce",
    "build_info",
    "deformable_attention",
    "deformable_sampling",
    "is_compiled",
    "require_compiled",
    "sampling_through",
]

_logger = logging.getLogger(__name__)
_library: compiled.Library | None = None
_problem = ""  # why the library is not in use
if os.environ.get("VIDTRACK_CPU", "avx512") not in ("baseline", "avx2", "avx512"):
    _logger.warning("VIDTRACK_CPU is %r, not baseline, avx2 or avx512: baseline it is", os.environ["VIDTRACK_CPU"])
if os.environ.get("VIDTRACK_OPS") == "reference":
    _problem = "VIDTRACK_OPS=reference is set"
else:
    try:
        _library = compiled.load()
    except (OSError, RuntimeError) as error:
        _problem = str(error.__cause__ or error)  # torch says "could not load", the cause says why
if _library is None:
    _logger.warning("deformable attention runs in plain PyTorch, several times slower: %s", _problem)

_served = set()  # device types with compiled kernels
if _library is not None:
    _served.add("cpu")
    if _library.cuda_architectures:
        _served.add("cuda")


_substitute: ContextVar[reference.Sampling | None] = ContextVar("_substitute", default=None)


@contextmanager
def sampling_through(sampling: reference.Sampling) -> Iterator[None]:
    """Run `deformable_attention` as plain PyTorch around `sampling`, for export to runtimes without our kernels."""
    token = _substitute.set(sampling)
    try:
        yield
    finally:
        _substitute.reset(token)


def _has_kernel(value: Tensor) -> bool:
    device_type = value.device.type
    return device_type in _served and not (device_type == "cuda" and value.dtype == torch.float64)


def deformable_attention(
    value: Tensor,
    spatial_shapes: Sequence[tuple[int, int]],
    reference_points: Tensor,
    sampling_offsets: Tensor,
    attention_logits: Tensor,
) -> Tensor:
    """Sample `value` around reference points and sum by attention, (B, Q, M*D) (Zhu et al. 2021, equation 3).

    value: (B, S, M, D), the levels one after the other; spatial_shapes: (height, width) of each level;
    reference_points: (B, Q, L, 2) as (x, y) in [0, 1], or (B, Q, L, 4) as (cx, cy, w, h);
    sampling_offsets: (B, Q, M, L, P, 2) as (x, y), in pixels of the level, or in w/(2P) and h/(2P) of the box;
    attention_logits: (B, Q, M, L, P), softmax over L*P is taken here.
    """
    substitute = _substitute.get()
    if substitute is None and _has_kernel(value):
        shapes = [size for shape in spatial_shapes for size in shape]
        return torch.ops.vidtrack.deformable_attention(
            value, shapes, reference_points, sampling_offsets, attention_logits
        )
    return reference.deformable_attention(
        value,
        spatial_shapes,
        reference_points,
        sampling_offsets,
        attention_logits,
        substitute or reference.deformable_sampling,
    )


def deformable_sampling(
    value: Tensor, spatial_shapes: Sequence[tuple[int, int]], sampling_locations: Tensor, attention_weights: Tensor
) -> Tensor:
    """The paper's operator, with locations (B, Q, M, L, P, 2) in [0, 1] and weights (B, Q, M, L, P) given."""
    if _has_kernel(value):
        shapes = [size for shape in spatial_shapes for size in shape]
        return torch.ops.vidtrack.deformable_sampling(value, shapes, sampling_locations, attention_weights)
    return reference.deformable_sampling(value, spatial_shapes, sampling_locations, attention_weights)


def is_compiled(device_type: str = "cpu") -> bool:
    """Whether compiled kernels serve tensors of this device type."""
    return device_type in _served


@cache
def announce(device_type: str) -> None:
    """Log, once for each type, that a device is about to be used which the compiled library does not serve."""
    if _library is not None and not is_compiled(device_type):
        _logger.warning("deformable attention on %s runs in plain PyTorch: no kernels are built for it", device_type)


def build_info() -> dict[str, object]:
    """What serves the operators here: for `vidtrack doctor`."""
    if _library is None:
        return {"compiled": False, "reason": _problem}
    return {
        "compiled": True,
        "path": str(_library.path),
        "cpu": _library.instruction_set,
        "cuda": list(_library.cuda_architectures),
    }


def require_compiled(device_type: str = "cpu") -> None:
    """Raise UsageError if plain PyTorch serves."""
    if _library is None:
        raise UsageError(
            f"the compiled sampler is not in use: {_problem}",
            "reinstall vidtrack with a C++ compiler available",
        )
    if not is_compiled(device_type):
        raise UsageError(
            f"the compiled sampler has no kernels for {device_type}",
            "install vidtrack again where nvcc is available" if device_type == "cuda" else "use another device",
        )
