"""Which models of transformers detect objects, as told by the config alone, before gigabytes are downloaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vidtrack.core.errors import UsageError, WeightsError

OWN_FAMILY = "deformable_detr"  # on a ResNet of timm, as published


def is_own(config: Mapping[str, Any]) -> bool:
    """Whether our own Deformable DETR loads a model with this config of transformers."""
    backbone = config.get("backbone_config")
    is_timm = not isinstance(backbone, dict) or backbone.get("model_type") == "timm_backbone"
    return config.get("model_type") == OWN_FAMILY and is_timm


def reads_text(config: Mapping[str, Any], name: str) -> bool:
    """Whether the model of a config is told by text what to find.

    Raises WeightsError if it is not an object detector, UsageError if transformers is not installed.
    """
    try:
        import transformers
        from transformers.models.auto import modeling_auto as known
    except ModuleNotFoundError as error:
        raise UsageError(f"{name} needs the {error.name} package", "pip install 'vidtrack[detectors]'") from None
    kind = config.get("model_type")
    if kind in known.MODEL_FOR_ZERO_SHOT_OBJECT_DETECTION_MAPPING_NAMES:
        return True
    if kind not in known.MODEL_FOR_OBJECT_DETECTION_MAPPING_NAMES:
        raise WeightsError(
            f"{name} is not an object detector that transformers {transformers.__version__} knows: "
            f"its config says model_type {kind!r}",
            "choose a model whose task is object detection",
        )
    return False
