"""The smallest networks of each kind, which tests share and change with `msgspec.structs.replace`."""

from __future__ import annotations

from vidtrack.model.config import DetectorConfig

TINY = DetectorConfig(  # as the shipped model: MobileNet, two-stage
    backbone="mobilenet_v2",
    feature_levels=2,
    num_levels=2,
    hidden_dim=32,
    heads=4,
    points=2,
    encoder_layers=1,
    decoder_layers=2,
    feedforward_dim=32,
    num_queries=12,
    num_classes=4,
    box_refine=True,
    two_stage=True,
    mixed_query_selection=True,
    classes=("person", "car", "bicycle", "traffic light"),
    size=64,
    max_size=160,
)
TINY_PAPER = DetectorConfig(  # as the paper's: ResNet, one stage, which other projects can express
    backbone="resnet18",
    hidden_dim=32,
    heads=4,
    encoder_layers=1,
    decoder_layers=2,
    feedforward_dim=32,
    num_queries=7,
    num_classes=3,
    classes=("", "person", "dog"),
)
