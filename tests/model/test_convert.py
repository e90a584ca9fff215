"""Key layouts of other projects."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest
import torch
from msgspec.structs import replace

from tests.networks import TINY_PAPER
from vidtrack.core.errors import WeightsError
from vidtrack.model.checkpoint import load_deformable_detr
from vidtrack.model.detector import DeformableDETR

SMALL = replace(TINY_PAPER, decoder_layers=1, num_classes=2, classes=("cat", "dog"))


def official(**changes: torch.Tensor | None) -> dict[str, torch.Tensor]:
    from vidtrack.model.convert import to_official

    state = {**to_official(DeformableDETR(SMALL).state_dict(), SMALL), **changes}
    return {name: value for name, value in state.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "arguments", "said"),
    [
        ({"transformer.decoder.layers.0.norm1.bias": None}, {}, r"1 missing: decoder\.layers\.0\.norm1\.bias"),
        ({"class_embed.0.bias": None}, {}, r"class_embed\.0\.bias is missing"),
        ({"transformer.reference_points.bias": torch.zeros(3)}, {}, r"1 misshapen: reference_points\.bias \(3,\)"),
        ({"mask_head.weight": torch.zeros(3)}, {}, r"1 unexpected: mask_head\.weight"),
        (
            {"backbone.0.body.layer2.1.bn1.bias": torch.zeros(1), "class_embed.0.total_ops": torch.zeros(1)},
            {},
            "misshapen",
        ),
        ({}, {"position_embedding": "learned"}, "'learned' is not supported"),
        ({}, {"nheads": 7}, "do not divide into 7 heads"),
        ({"backbone.0.body.layer1.2.conv1.weight": torch.zeros(1)}, {}, "not a ResNet"),
    ],
)
def test_official_files_with_faults(
    changes: dict[str, torch.Tensor | None], arguments: dict[str, object], said: str, tmp_path: Path
) -> None:
    torch.save({"model": official(**changes), "args": Namespace(**{"nheads": 4, **arguments})}, tmp_path / "m.pth")
    with pytest.raises(WeightsError, match=said):
        load_deformable_detr(tmp_path / "m.pth", "cpu")


def test_profiler_counters_are_no_weights(tmp_path: Path) -> None:
    counters = {"transformer.total_ops": torch.zeros(1), "class_embed.0.total_params": torch.zeros(1)}
    torch.save({"model": official(**counters), "args": Namespace(nheads=4)}, tmp_path / "m.pth")
    assert load_deformable_detr(tmp_path / "m.pth", "cpu").config.heads == 4
