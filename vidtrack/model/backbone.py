"""Feature pyramids from torchvision's classification networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vidtrack.core.errors import WeightsError
from vidtrack.model.config import NORM_GROUPS, DetectorConfig
from vidtrack.model.light_torchvision import FrozenBatchNorm2d, IntermediateLayerGetter, models


@dataclass(frozen=True)
class Stage:
    """A named point in a network whose output serves as a feature level."""

    layer: str
    channels: int


@dataclass(frozen=True)
class BackboneSpec:
    """How to build a network without its head, and where to tap it, shallow to deep."""

    build: Callable[[bool], nn.Module]
    stages: Sequence[Stage]


class FrozenNorm(FrozenBatchNorm2d):
    """torchvision's frozen batch normalisation through PyTorch's own kernel, which is one pass instead of two."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=self.eps
        )


def _resnet(constructor: Callable[..., nn.Module]) -> Callable[[bool], nn.Module]:
    def build(dilation: bool) -> nn.Module:
        dilations = [False, False, dilation]
        try:
            return constructor(weights=None, norm_layer=FrozenNorm, replace_stride_with_dilation=dilations)
        except NotImplementedError:  # those of basic blocks
            name = constructor.__name__
            raise WeightsError(f"backbone {name} cannot be dilated", "set dilation to false") from None

    return build


def _mobilenet_v2(dilation: bool) -> nn.Module:
    if dilation:
        raise WeightsError("backbone mobilenet_v2 cannot be dilated", "set dilation to false")
    features = models.mobilenet_v2(weights=None, norm_layer=FrozenNorm).features
    return nn.Sequential(*list(features)[:-1])  # the last 1x1 convolution only serves classification


_RESNET_WIDE = (Stage("layer2", 512), Stage("layer3", 1024), Stage("layer4", 2048))
_RESNET_SLIM = (Stage("layer2", 128), Stage("layer3", 256), Stage("layer4", 512))

BACKBONES: Mapping[str, BackboneSpec] = {
    "resnet18": BackboneSpec(_resnet(models.resnet18), _RESNET_SLIM),
    "resnet34": BackboneSpec(_resnet(models.resnet34), _RESNET_SLIM),
    "resnet50": BackboneSpec(_resnet(models.resnet50), _RESNET_WIDE),
    "resnet101": BackboneSpec(_resnet(models.resnet101), _RESNET_WIDE),
    "mobilenet_v2": BackboneSpec(_mobilenet_v2, (Stage("6", 32), Stage("13", 96), Stage("17", 320))),
}


class Backbone(nn.Module):
    """The last `feature_levels` stages of a network; batch normalisation is frozen (DETR, section A.4)."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        if config.backbone not in BACKBONES:
            raise WeightsError(f"unknown backbone {config.backbone!r}", f"known: {', '.join(BACKBONES)}")
        spec = BACKBONES[config.backbone]
        if config.feature_levels > len(spec.stages):
            raise WeightsError(f"backbone {config.backbone} has {len(spec.stages)} stages, not {config.feature_levels}")
        stages = spec.stages[len(spec.stages) - config.feature_levels :]
        self.channels = [stage.channels for stage in stages]
        taps = {stage.layer: str(level) for level, stage in enumerate(stages)}
        self.body = IntermediateLayerGetter(spec.build(config.dilation), taps)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Features (B, C_l, H_l, W_l), finest first, of normalised pixels (B, 3, H, W)."""
        return list(self.body(pixels.to(next(self.parameters()).dtype)).values())


class InputProjection(nn.Module):
    """Brings every level to `hidden_dim` channels and adds the stride-2 levels beyond the backbone's."""

    def __init__(self, channels: Sequence[int], config: DetectorConfig) -> None:
        super().__init__()
        self.levels = nn.ModuleList()
        for width in channels:
            self.levels.append(self._level(width, config.hidden_dim, kernel=1))
        width = channels[-1]
        for _ in range(config.num_levels - len(channels)):
            self.levels.append(self._level(width, config.hidden_dim, kernel=3))
            width = config.hidden_dim

    @staticmethod
    def _level(width: int, dim: int, kernel: int) -> nn.Sequential:
        convolution = nn.Conv2d(width, dim, kernel, stride=2 if kernel == 3 else 1, padding=kernel // 2)
        nn.init.xavier_uniform_(convolution.weight)
        assert convolution.bias is not None
        nn.init.zeros_(convolution.bias)
        return nn.Sequential(convolution, nn.GroupNorm(NORM_GROUPS, dim))

    def convolutions(self) -> nn.ModuleList:
        """The convolutions without the norms after them."""
        return nn.ModuleList(layer for layer in self.modules() if isinstance(layer, nn.Conv2d))

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Levels (B, hidden_dim, H_l, W_l) of the backbone's features."""
        levels: list[Tensor] = []
        for index, project in enumerate(self.levels):
            if index < len(features):
                source = features[index]
            else:
                source = features[-1] if index == len(features) else levels[-1]
            levels.append(project(source))
        return levels


def resize_padding(padding: Tensor, size: torch.Size) -> Tensor:
    """Padding (B, H, W) at a level's size, by nearest neighbour as in the official code."""
    return nn.functional.interpolate(padding[:, None].float(), size=size)[:, 0] > 0.5
