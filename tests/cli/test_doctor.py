"""`vidtrack doctor`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from torch import Tensor

from tests.conftest import Ended
from tests.media import EXAMPLE_CLIP
from vidtrack.ops import reference

Command = Callable[..., Ended]


def test_doctor_names_what_is_missing(vidtrack: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = json.loads(vidtrack("doctor", "--json").out)
    assert facts["sampler"]["compiled"] in (True, False)
    assert "h264" in facts["video"]["codecs"]
    monkeypatch.setattr("vidtrack.ops.build_info", lambda: {"compiled": False, "reason": "no compiler"})
    ended = vidtrack("doctor")
    assert ended.code == 1
    assert "! the compiled sampler is not available, so inference is slower: no compiler" in ended.out


@pytest.mark.parametrize("wrong", ["no kernel image is available", 0.5])
def test_doctor_tries_the_kernels(vidtrack: Command, monkeypatch: pytest.MonkeyPatch, wrong: str | float) -> None:
    facts = json.loads(vidtrack("doctor", "--json").out)
    if not facts["sampler"]["compiled"]:
        pytest.skip("no compiled kernels to try")
    assert "cpu" in facts["sampler"]["works on"]

    def broken(value: Tensor, *others: object) -> Tensor:
        if isinstance(wrong, str):
            raise RuntimeError(f"{wrong}\nand more")
        return reference.deformable_attention(value, *others) + wrong

    monkeypatch.setattr("vidtrack.ops.deformable_attention", broken)
    ended = vidtrack("doctor")
    assert ended.code == 1
    said = wrong if isinstance(wrong, str) else "the answer is off by 0.5"
    assert f"! the compiled sampler fails on cpu: {said} (" in ended.out


def test_require_compiled_refuses_the_fallback(
    vidtrack: Command, tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidtrack.ops._library", None)
    ended = vidtrack(
        "detect", EXAMPLE_CLIP, "--require-compiled", "--model", tiny_checkpoint, "-o", tmp_path / "x.jsonl"
    )
    assert ended.code == 2
    assert "the compiled sampler is not in use" in ended.err
    assert list(tmp_path.iterdir()) == []
