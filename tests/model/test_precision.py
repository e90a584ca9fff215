"""Which number format is chosen, and what it changes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from msgspec.structs import replace

from tests.networks import TINY_PAPER
from vidtrack.core.errors import UsageError
from vidtrack.model.checkpoint import load_deformable_detr, save_checkpoint
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.precision import resolve_precision


@pytest.fixture(params=[False, True], ids=["one stage", "two stages"])
def checkpoint(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    config = replace(TINY_PAPER, box_refine=request.param, two_stage=request.param)
    path = tmp_path / "m.safetensors"
    save_checkpoint(DeformableDETR(config), path)
    return path


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_sixteen_bits_on_a_cpu_change_little_and_leave_locations_in_float32(checkpoint: Path, precision: str) -> None:
    full, lowered = (
        load_deformable_detr(checkpoint, "cpu", "float32"),
        load_deformable_detr(checkpoint, "cpu", precision),
    )
    attention = lowered.encoder.layers[0].self_attn
    assert attention.sampling_offsets.weight.dtype == attention.attention_weights.weight.dtype == torch.float32
    assert attention.value_proj.weight.dtype == getattr(torch, precision)
    pixels = torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        expected = full.encode(pixels)
        found = lowered.encode(pixels)
        queries = full.object_queries(expected)  # those of a two-stage model may be other tokens
        output, exact = lowered.decode(found, queries), full.decode(expected, queries)
    assert found.tokens.dtype == output.boxes.dtype == output.logits.dtype == torch.float32
    assert 0 < (found.tokens - expected.tokens).abs().mean() < 0.02  # of values around 1
    torch.testing.assert_close(output.boxes, exact.boxes, rtol=0, atol=0.02)
    torch.testing.assert_close(output.logits, exact.logits, rtol=0, atol=0.1)


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
        ({"avx2": True, "avx512_f": True, "avx512_bf16": False}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_auto_takes_bfloat16_on_a_cpu_made_for_it(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], expected: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert resolve_precision("auto", torch.device("cpu")) == expected
    assert resolve_precision("float32", torch.device("cpu")) == torch.float32
    assert resolve_precision("auto", torch.device("cuda")) == torch.float16


def test_an_unknown_precision_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="unknown precision 'int8'"):
        resolve_precision("int8", torch.device("cpu"))
