"""Our own checkpoint format: round trip, and every way a file can be wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from msgspec.structs import replace
from safetensors.torch import load_file, save_file

from tests.networks import TINY_PAPER
from vidtrack.core.errors import OutputError, WeightsError
from vidtrack.model.checkpoint import build, read_checkpoint, save_checkpoint
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.fold import fold_batch_norm
from vidtrack.model.registry import content_sha256


@pytest.mark.parametrize("refine", [False, True])
def test_round_trip_keeps_config_weights_and_metadata(tmp_path: Path, refine: bool) -> None:
    model = DeformableDETR(replace(TINY_PAPER, box_refine=refine))
    save_checkpoint(model, tmp_path / "m.safetensors", {"step": 3})
    checkpoint = read_checkpoint(tmp_path / "m.safetensors")
    assert checkpoint.config == model.config
    assert checkpoint.metadata == {"step": 3}
    rebuilt = build(checkpoint)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(rebuilt.state_dict()[name], value, rtol=0, atol=0)
    tied = rebuilt.class_embed[0] is rebuilt.class_embed[1]
    assert tied is not refine
    assert all(parameter.requires_grad for parameter in rebuilt.parameters())


def test_half_precision_keeps_vectors_in_float32(tmp_path: Path) -> None:
    save_checkpoint(DeformableDETR(TINY_PAPER), tmp_path / "m.safetensors", dtype=torch.float16)
    stored = load_file(tmp_path / "m.safetensors")
    assert {value.dtype for value in stored.values() if value.ndim > 1} == {torch.float16}
    assert {value.dtype for value in stored.values() if value.ndim <= 1} == {torch.float32}
    assert all(
        parameter.dtype == torch.float32
        for parameter in build(read_checkpoint(tmp_path / "m.safetensors")).parameters()
    )


def test_saving_leaves_no_partial_and_replaces_whole(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(b"old")
    save_checkpoint(DeformableDETR(TINY_PAPER), path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.safetensors"]
    with pytest.raises(OutputError, match="cannot be written"):
        save_checkpoint(DeformableDETR(TINY_PAPER), tmp_path / "absent" / "m.safetensors")


def test_equal_models_are_equal_files(tmp_path: Path) -> None:
    model, hashes = DeformableDETR(TINY_PAPER), set()
    for _ in range(8):
        save_checkpoint(model, tmp_path / "m.safetensors", {"step": 3, "data": "set"})
        hashes.add(content_sha256(tmp_path / "m.safetensors"))
    assert len(hashes) == 1


def test_a_folded_model_is_not_saved(tmp_path: Path) -> None:
    model = DeformableDETR(TINY_PAPER)
    fold_batch_norm(model)
    with pytest.raises(WeightsError, match="folded"):
        save_checkpoint(model, tmp_path / "m.safetensors")


def tamper(path: Path, change: dict[str, torch.Tensor | None]) -> None:
    """Rewrite a checkpoint with some tensors replaced, or removed where None."""
    state = {**load_file(path), **change}
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    save_file({name: value for name, value in state.items() if value is not None}, path, metadata)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"level_embed": None}, "1 missing: level_embed"),
        ({"extra.weight": torch.zeros(2)}, "1 unexpected: extra.weight"),
        ({"level_embed": torch.zeros(2, 32)}, r"1 misshapen: level_embed \(2, 32\) instead of \(4, 32\)"),
        ({"level_embed": torch.full((4, 32), torch.nan)}, "1 not finite: level_embed"),
        ({f"extra{i}": torch.zeros(1) for i in range(9)}, r"9 unexpected: extra0, extra1, extra2, extra3, \.\.\."),
    ],
)
def test_wrong_weights_are_named(tmp_path: Path, change: dict[str, torch.Tensor | None], said: str) -> None:
    path = tmp_path / "m.safetensors"
    save_checkpoint(DeformableDETR(TINY_PAPER), path)
    tamper(path, change)
    with pytest.raises(WeightsError, match=said):
        build(read_checkpoint(path), path)


def test_unknown_version_and_damaged_header(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    header = {"version": 99, "config": TINY_PAPER.to_dict(), "metadata": {}}
    save_file({"x": torch.zeros(1)}, path, {"vidtrack": json.dumps(header)})
    with pytest.raises(WeightsError, match="version 99"):
        read_checkpoint(path)
    save_file({"x": torch.zeros(1)}, path, {"vidtrack": "{"})
    with pytest.raises(WeightsError, match="damaged vidtrack header"):
        read_checkpoint(path)
    header = {"version": 1, "config": {"wings": 2}, "metadata": {}}
    save_file({"x": torch.zeros(1)}, path, {"vidtrack": json.dumps(header)})
    with pytest.raises(WeightsError, match="unknown field `wings`"):
        read_checkpoint(path)
