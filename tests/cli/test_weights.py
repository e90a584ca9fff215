"""`vidtrack weights`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ended
from vidtrack.model import registry
from vidtrack.model.checkpoint import read_checkpoint

Command = Callable[..., Ended]


def test_weights_are_listed(vidtrack: Command) -> None:
    ended = vidtrack("weights", "list")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0].split()[:2] == ["model", "here"]
    assert lines[1].startswith("small ") and lines[1].endswith("(the default)")
    assert any(line.startswith("deformable-detr-with-box-refine-two-stage") for line in lines)
    carrying = {line.split()[0] for line in lines if "association, propagation" in line}
    assert carrying == {entry.name for entry in registry.entries() if entry.carries_queries}
    assert "empty: not measured" in ended.out


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


def test_info_shows_what_a_model_is(vidtrack: Command, tiny_checkpoint: Path) -> None:
    ended = vidtrack("weights", "info", tiny_checkpoint)
    assert ended.code == 0, ended.err
    facts = dict(line.split(None, 1) for line in ended.out.splitlines())
    assert facts["classes:"] == "4: person, car, bicycle, traffic light"
    assert facts["size:"] == "shorter side 64, longest 160 pixels"
    assert facts["tracker:"] == "association; --tracker propagation works too"
    assert facts["sha256:"] == hashlib.sha256(tiny_checkpoint.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--to", "onnx", "-o", "x.xml"], "--to onnx writes a .onnx file, not x.xml"),
        (["--to", "onnx", "--int8", "clip.mp4"], "--int8 needs --to openvino"),
        (["--to", "onnx", "--size", "8"], "size is 8"),
        (["--to", "onnx", "-o", "missing/x.onnx"], "missing/x.onnx cannot be written"),
        (["--to", "openvino", "-o", "taken.xml"], "taken.xml already exists"),
        (["--to", "openvino", "--int8", "."], "no images in folder"),
    ],
)
def test_what_export_cannot_do_is_one_line(
    vidtrack: Command,
    tiny_checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken.xml").touch()
    ended = vidtrack("weights", "export", tiny_checkpoint, *arguments)
    assert ended.code in (1, 2, 3)
    assert said in ended.err.splitlines()[-1] and "Traceback" not in ended.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["taken.xml"]


def test_an_export_says_what_the_model_may_be_used_for(
    vidtrack: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vidtrack.model import export

    written = []
    monkeypatch.setattr(export, "write_onnx", lambda model, header, path: written.append(header))  # takes a minute
    ended = vidtrack("weights", "export", "default", "--to", "onnx", "-o", tmp_path / "x.onnx")
    default = registry.entries()[0]
    assert ended.code == 0 and default.use is not None
    assert ended.err.splitlines()[-1] == f"vidtrack: note: model {default.name}: {default.use}"
    assert (written[0].licence, written[0].use) == (default.licence, default.use)


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
