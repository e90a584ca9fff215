"""Which number format a model runs in."""

from __future__ import annotations

import torch

from vidtrack.core.errors import UsageError
from vidtrack.model.attention import DeformableAttention, FeedForward
from vidtrack.model.backbone import InputProjection
from vidtrack.model.decoder import BoxHead
from vidtrack.model.detector import DeformableDETR

PRECISIONS = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def resolve_precision(name: str, device: torch.device) -> torch.dtype:
    """The dtype of `float32`, `float16`, `bfloat16`, or of `auto`: the fastest that costs next to no accuracy.

    That is float16 on CUDA, bfloat16 on a CPU made for it, float32 elsewhere. Raises UsageError for other names.
    """
    if name == "auto":
        if device.type == "cuda":
            return torch.float16
        return torch.bfloat16 if device.type == "cpu" and cpu_multiplies_bfloat16() else torch.float32
    if name not in PRECISIONS:
        raise UsageError(f"unknown precision {name!r}", f"use auto, {', '.join(PRECISIONS)}")
    return PRECISIONS[name]


def cpu_multiplies_bfloat16() -> bool:
    """Whether the CPU has instructions for it (AVX512_BF16 or AMX); without them bfloat16 is slower than float32."""
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))


def set_precision(model: DeformableDETR, dtype: torch.dtype, device: torch.device) -> None:
    """Move a model to `device`, and its weights to `dtype`: all of them, or on a CPU those that cost time.

    On a CPU convolutions and wide linear layers change, and norms, sampling locations, attention weights, queries and
    the heads of the decoder stay float32: in 16 bits they move boxes and scores.
    """
    if device.type != "cpu":
        model.to(device, dtype)
        return
    model.to(device)
    model.backbone.to(dtype)
    for module in model.modules():
        if isinstance(module, InputProjection):
            module.convolutions().to(dtype)
        elif isinstance(module, DeformableAttention):
            module.value_proj.to(dtype)
            module.output_proj.to(dtype)
        elif isinstance(module, FeedForward):
            module.to(dtype)
    if model.config.two_stage:
        model.enc_output.to(dtype)
        proposal_head = model.bbox_embed[-1]
        assert isinstance(proposal_head, BoxHead)
        proposal_head.layers[:-1].to(dtype)
