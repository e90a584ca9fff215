"""Inference form of a network: normalisation and activation become part of the convolution before them."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

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


class ActivatedConvolution(nn.Conv2d):
    """A convolution followed by ReLU6, as one oneDNN kernel on the CPU; without gradients."""

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__(
            plain.in_channels,
            plain.out_channels,
            plain.kernel_size,  # type: ignore[arg-type]  # torch declares fewer forms than it takes
            plain.stride,  # type: ignore[arg-type]
            plain.padding,  # type: ignore[arg-type]
            plain.dilation,  # type: ignore[arg-type]
            plain.groups,
            device="meta",
        )
        self.weight, self.bias = plain.weight, plain.bias

    def forward(self, x: Tensor) -> Tensor:
        exporting = torch.compiler.is_compiling() or torch.onnx.is_in_onnx_export()
        if x.device.type != "cpu" or x.requires_grad or exporting:
            return nn.functional.relu6(super().forward(x))
        return torch.ops.mkldnn._convolution_pointwise(
            x, self.weight, self.bias, self.padding, self.stride, self.dilation, self.groups, "hardtanh", [0.0, 6.0], ""
        )


def fuse_activations(module: nn.Module) -> int:
    """Join ReLU6 with the convolution before it in every `nn.Sequential`, in place; returns how many.

    Saves one pass over the features per layer: a fifth of MobileNetV2's time. Does nothing without oneDNN.
    """
    if not torch.backends.mkldnn.is_available():
        return 0
    fused = 0
    for child in module.children():
        fused += fuse_activations(child)
    if isinstance(module, nn.Sequential):
        layers = [(name, layer) for name, layer in module.named_children() if not isinstance(layer, FoldedNorm)]
        for (name, layer), (next_name, following) in pairwise(layers):
            if isinstance(layer, nn.Conv2d) and isinstance(following, nn.ReLU6):
                setattr(module, name, ActivatedConvolution(layer))
                setattr(module, next_name, nn.Identity())
                fused += 1
    return fused


def require_unfolded(model: nn.Module) -> None:
    """Raise WeightsError after `fold_batch_norm`, which cannot be undone."""
    if any(isinstance(module, FoldedNorm) for module in model.modules()):
        raise WeightsError("a model with folded batch normalisation cannot be saved", "load it with fold=False")
