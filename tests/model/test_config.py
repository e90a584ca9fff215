from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.networks import TINY_PAPER
from vidtrack.core.errors import WeightsError
from vidtrack.model.checkpoint import read_checkpoint


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"heads": 0}, ">= 1 - at `\\$.heads`"),
        ({"decoder_layers": 129}, "<= 128 - at `\\$.decoder_layers`"),
        ({"num_queries": 1_000_001}, "<= 1000000 - at `\\$.num_queries`"),
        ({"num_queries": -1}, ">= 1 - at `\\$.num_queries`"),
        ({"hidden_dim": "32"}, "Expected `int`, got `str` - at `\\$.hidden_dim`"),
        ({"hidden_dim": 36}, "hidden_dim 36 is not a multiple of heads 4 and of 32"),
        ({"box_refine": 1}, "Expected `bool`, got `int` - at `\\$.box_refine`"),
        ({"dropout": 1}, r"< 1.0 - at `\$.dropout`"),
        ({"track_queries": "train"}, "Invalid enum value 'train' - at `\\$.track_queries`"),
        ({"classes": 5}, "Expected `array`, got `int` - at `\\$.classes`"),
        (5, "detector config: Expected `object`, got `int`"),
    ],
)
def test_a_config_that_makes_no_network_is_named(tmp_path: Path, change: object, said: str) -> None:
    path = tmp_path / "m.safetensors"
    config = {**TINY_PAPER.to_dict(), **change} if isinstance(change, dict) else change
    save_file({"x": torch.zeros(1)}, path, {"vidtrack": json.dumps({"version": 1, "config": config, "metadata": {}})})
    with pytest.raises(WeightsError, match=f"{path}: .*{said}"):
        read_checkpoint(path)
