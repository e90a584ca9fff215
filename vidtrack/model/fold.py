"""Inference form of a network: frozen batch normalisation folded into the convolution before it."""

from __future__ import annotations

import torch
from torch import nn

from vidtrack.core.errors import WeightsError
from vidtrack.model.light_torchvision import FrozenBatchNorm2d


class FoldedNorm(nn.Identity):
    """Replaces a norm that was folded into its convolution."""


@torch.no_grad()
def fold_batch_norm(module: nn.Module) -> int:
    """Fold every frozen norm that follows a convolution, in place; returns how many.

    torchvision's networks register layers in the order they run, so a norm's convolution is the last one registered
    before it in the same module. y = scale * (W x) + shift, with scale = weight / sqrt(var + eps).
    """
    folded = 0
    convolution: nn.Conv2d | None = None
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d):
            convolution = child
        elif isinstance(child, FrozenBatchNorm2d) and convolution is not None:
            _fold(convolution, child)
            setattr(module, name, FoldedNorm())
            convolution = None
            folded += 1
        else:
            folded += fold_batch_norm(child)
    return folded


def _fold(convolution: nn.Conv2d, norm: FrozenBatchNorm2d) -> None:
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    shift = norm.bias - norm.running_mean * scale
    if convolution.bias is not None:
        shift = shift + convolution.bias * scale
    trained = convolution.weight.requires_grad
    convolution.weight = nn.Parameter(convolution.weight * scale[:, None, None, None], requires_grad=trained)
    convolution.bias = nn.Parameter(shift, requires_grad=trained)


def require_unfolded(model: nn.Module) -> None:
    """Raise WeightsError after `fold_batch_norm`, which cannot be undone."""
    if any(isinstance(module, FoldedNorm) for module in model.modules()):
        raise WeightsError("a model with folded batch normalisation cannot be saved", "load it with fold=False")
