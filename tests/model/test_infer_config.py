"""Configs read off weights and the notes that came with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.networks import TINY_PAPER
from vidtrack.core.errors import WeightsError
from vidtrack.model.checkpoint import load_deformable_detr, read_checkpoint
from vidtrack.model.checkpoint_export import write_hugging_face
from vidtrack.model.detector import DeformableDETR

SMALL = replace(TINY_PAPER, decoder_layers=1, num_classes=2, classes=("cat", "dog"))


def test_another_hugging_face_architecture(tmp_path: Path) -> None:
    write_hugging_face(DeformableDETR(SMALL), tmp_path / "m")
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    (tmp_path / "m" / "config.json").write_text(json.dumps({**config, "model_type": "deta"}))
    with pytest.raises(WeightsError, match="deta model"):
        read_checkpoint(tmp_path / "m")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"encoder_attention_heads": 0}, "settings do not describe a network"),
        ({"encoder_attention_heads": "eight"}, "eight"),
        ({"dropout": None}, "settings do not describe a network"),
        ({"id2label": {"first": "cat"}}, "first"),
        ({"dropout": 7}, "< 1.0 - at `\\$.dropout`"),
    ],
)
def test_a_config_beside_the_weights_that_makes_no_network(tmp_path: Path, change: dict, said: str) -> None:
    folder = tmp_path / "m"
    write_hugging_face(DeformableDETR(SMALL), folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **change}))
    with pytest.raises(WeightsError, match=said) as caught:
        load_deformable_detr(folder, "cpu")
    assert str(folder) in caught.value.message
