from __future__ import annotations

import pytest
import torch
from msgspec.structs import replace

from tests.networks import TINY, TINY_PAPER
from vidtrack.core.errors import WeightsError
from vidtrack.model.backbone import BACKBONES, Backbone, InputProjection, resize_padding
from vidtrack.model.config import DetectorConfig


@torch.no_grad()
@pytest.mark.parametrize(
    ("config", "strides"),
    [
        (TINY, [16, 32]),
        (TINY_PAPER, [8, 16, 32]),
        (replace(TINY_PAPER, backbone="resnet50", feature_levels=1, num_levels=1, dilation=True), [16]),
    ],
    ids=["mobilenet", "resnet", "dilated"],
)
def test_levels_come_finest_first_with_their_strides_and_channels(config: DetectorConfig, strides: list[int]) -> None:
    backbone = Backbone(config).eval()
    features = backbone(torch.zeros(1, 3, 64, 96))
    assert [feature.shape[2:] for feature in features] == [(64 // s, 96 // s) for s in strides]
    assert [feature.shape[1] for feature in features] == backbone.channels
    levels = InputProjection(backbone.channels, config)(features)
    assert len(levels) == config.num_levels and {level.shape[1] for level in levels} == {config.hidden_dim}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"backbone": "vgg"}, rf"unknown backbone 'vgg' \(known: {', '.join(BACKBONES)}\)"),
        ({"dilation": True}, "backbone resnet18 cannot be dilated"),
        ({"backbone": "mobilenet_v2", "dilation": True}, "backbone mobilenet_v2 cannot be dilated"),
        ({"feature_levels": 4}, "backbone resnet18 has 3 stages, not 4"),
    ],
)
def test_a_backbone_that_cannot_be_is_named(change: dict[str, object], said: str) -> None:
    with pytest.raises(WeightsError, match=said):
        Backbone(replace(TINY_PAPER, **change))


def test_padding_of_a_level_is_that_of_the_nearest_pixels() -> None:
    padding = torch.zeros(1, 4, 6, dtype=torch.bool)
    padding[:, :, 4:] = True
    assert resize_padding(padding, torch.Size((2, 3))).tolist() == [[[False, False, True]] * 2]
