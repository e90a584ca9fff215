"""`vidtrack weights`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ended
from vidtrack.model.checkpoint import read_checkpoint

Command = Callable[..., Ended]


def test_weights_are_listed(vidtrack: Command) -> None:
    ended = vidtrack("weights", "list")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0].split()[:2] == ["model", "here"]
    assert lines[1].startswith("small ") and lines[1].endswith("(the default)")
    assert any(line.startswith("deformable-detr-with-box-refine-two-stage") for line in lines)


@pytest.mark.parametrize("command", ["pull", "path", "verify"])
def test_an_unknown_model_is_named(vidtrack: Command, command: str) -> None:
    ended = vidtrack("weights", command, "deformabel-detr")
    assert ended.code == 2
    assert "unknown model 'deformabel-detr'" in ended.err and "deformable-detr" in ended.err


def test_a_model_that_is_not_here(vidtrack: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDTRACK_CACHE", str(tmp_path))
    for command in ("path", "verify"):
        ended = vidtrack("weights", command, "deformable-detr")
        assert ended.code == 2
        assert "vidtrack weights pull deformable-detr" in ended.err


def test_the_shipped_model_is_here_and_whole(vidtrack: Command) -> None:
    name = vidtrack("weights", "list").out.splitlines()[1].split()[0]
    path = Path(vidtrack("weights", "path", name).out.strip())
    assert vidtrack("weights", "pull", name).out.strip() == str(path)  # nothing to download
    ended = vidtrack("weights", "verify", name)
    assert ended.code == 0
    assert ended.out.split() == [hashlib.sha256(path.read_bytes()).hexdigest(), name]


@pytest.mark.parametrize("layout", ["vidtrack", "official"])
def test_convert_and_back(vidtrack: Command, tiny_checkpoint: Path, tmp_path: Path, layout: str) -> None:
    target = tmp_path / ("copy.safetensors" if layout == "vidtrack" else "copy.pth")
    ended = vidtrack("weights", "convert", tiny_checkpoint, target, "--to", layout)
    if layout == "official":  # mixed query selection is not in the official code
        assert ended.code == 2
        assert len(ended.err.splitlines()) == 1
        return
    assert ended.code == 0, ended.err
    assert ended.out.strip() == str(target)
    assert read_checkpoint(target).state.keys() == read_checkpoint(tiny_checkpoint).state.keys()
    assert vidtrack("weights", "convert", tiny_checkpoint, target).code == 2  # it is there
