from __future__ import annotations

from typing import Any

import pytest

from vidtrack.core.errors import WeightsError
from vidtrack.model.detector_families import is_own, reads_text


@pytest.mark.parametrize(
    ("config", "own"),
    [
        ({"model_type": "deformable_detr"}, True),
        ({"model_type": "deformable_detr", "backbone_config": {"model_type": "timm_backbone"}}, True),
        ({"model_type": "deformable_detr", "backbone_config": {"model_type": "swin"}}, False),
        ({"model_type": "rt_detr"}, False),
        ({}, False),
    ],
)
def test_our_own_network_is_told_by_its_config(config: dict[str, Any], own: bool) -> None:
    assert is_own(config) == own


def test_text_readers_and_detectors_are_told_apart_and_others_refused() -> None:
    pytest.importorskip("transformers")
    assert reads_text({"model_type": "grounding-dino"}, "a")
    assert not reads_text({"model_type": "rt_detr"}, "a")
    with pytest.raises(WeightsError, match=r"hf:a/b is not an object detector .* model_type 'bert'"):
        reads_text({"model_type": "bert"}, "hf:a/b")
