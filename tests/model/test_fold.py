"""The inference form of a network computes the same."""

from __future__ import annotations

import pytest
import torch
from msgspec.structs import replace

from tests.networks import TINY_PAPER
from vidtrack.model.backbone import Backbone
from vidtrack.model.fold import ActivatedConvolution, fold_batch_norm, fuse_activations


def _backbone(name: str) -> Backbone:
    torch.manual_seed(0)
    backbone = Backbone(replace(TINY_PAPER, backbone=name)).eval().requires_grad_(False)
    for norm in (module for module in backbone.modules() if hasattr(module, "running_var")):
        norm.running_mean.normal_(0, 0.2)
        norm.running_var.uniform_(0.5, 1.5)
        norm.bias.normal_(0, 0.2)
    return backbone


@pytest.mark.parametrize(("name", "norms", "activations"), [("mobilenet_v2", 51, 34), ("resnet18", 20, 0)])
def test_folded_norms_and_fused_activations_change_nothing(name: str, norms: int, activations: int) -> None:
    plain, fused = _backbone(name), _backbone(name)
    assert fold_batch_norm(fused) == norms
    assert fuse_activations(fused) == activations
    pixels = torch.randn(2, 3, 65, 96).to(memory_format=torch.channels_last)
    for expected, found in zip(plain(pixels), fused(pixels), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_a_fused_convolution_can_be_exported() -> None:
    layers = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, stride=2, padding=1), torch.nn.ReLU6()).requires_grad_(False)
    pixels = torch.randn(1, 3, 8, 8) * 9
    expected = layers(pixels)
    fuse_activations(layers)
    assert isinstance(layers[0], ActivatedConvolution)
    torch.testing.assert_close(layers(pixels), expected)
    program = torch.export.export(layers, (pixels,))
    assert not any("mkldnn" in str(node.target) for node in program.graph.nodes)
    torch.testing.assert_close(program.module()(pixels), expected)
