"""Files that are not what they should be: each gets one clear error, and none gets to run code."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from msgspec.structs import replace
from safetensors.torch import save_file

from tests.networks import TINY_PAPER
from vidtrack.core.errors import WeightsError
from vidtrack.model.checkpoint import load_deformable_detr, read_checkpoint
from vidtrack.model.checkpoint_export import write_hugging_face
from vidtrack.model.detector import DeformableDETR

SMALL = replace(TINY_PAPER, decoder_layers=1, num_classes=2, classes=("cat", "dog"))


def broken(content: bytes, path: Path) -> str:
    path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        read_checkpoint(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\x00\x00\x00\x18ftypmp42", "not a checkpoint of a known format"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
        ((100).to_bytes(8, "little") + b'{"x": 1', "damaged"),
        (b"PK\x03\x04 and then nothing of a zip file", "damaged"),
        (b"\x80\x02}q\x00.", "damaged|holds"),
    ],
)
def test_files_that_are_no_checkpoint(content: bytes, said: str, tmp_path: Path) -> None:
    import re

    assert re.search(said, broken(content, tmp_path / "x.pth"))


def test_missing_and_unknown(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no checkpoint at"):
        read_checkpoint(tmp_path / "absent.pth")
    with pytest.raises(WeightsError, match="unknown model 'nonesuch': neither a known name nor a path"):
        load_deformable_detr("nonesuch")
    with pytest.raises(WeightsError, match="no weights in folder"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("fraction", [0.3, 0.999])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_truncated(suffix: str, fraction: float, tmp_path: Path) -> None:
    source = tmp_path / f"whole{suffix}"
    tensors = {"transformer.level_embed": torch.zeros(64, 64)}
    if suffix == ".pth":
        torch.save({"model": tensors}, source)
    else:
        save_file(tensors, source)
    whole = source.read_bytes()
    assert "damaged" in broken(whole[: int(len(whole) * fraction)], tmp_path / f"cut{suffix}")


class Payload:
    """Leaves a file behind where its pickle is loaded without care."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.witness),)


def test_a_malicious_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    content = {"model": {"transformer.level_embed": torch.zeros(1)}, "args": Payload(witness)}
    for legacy in (False, True):
        stream = io.BytesIO()
        torch.save(content, stream, _use_new_zipfile_serialization=not legacy)
        said = broken(stream.getvalue(), tmp_path / "evil.pth")
        assert "refused" in said and ".mkdir" in said
    plain = broken(pickle.dumps(Payload(witness), protocol=2), tmp_path / "evil.bin")
    assert "refused" in plain or "damaged" in plain
    assert not witness.exists()


def test_a_zip_of_other_things(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("notes.txt", "hello")
    assert "damaged" in broken(stream.getvalue(), tmp_path / "x.bin")


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_torchscript_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)).save(path)
    assert "is a TorchScript program, which vidtrack does not run" in broken(path.read_bytes(), path)


def test_an_exported_program_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.pt2"
    torch.export.save(torch.export.export(torch.nn.Linear(2, 2), (torch.zeros(1, 2),)), path)
    assert "is a program of torch.export, which vidtrack does not run" in broken(path.read_bytes(), path)


def test_files_of_other_runtimes_are_named(tmp_path: Path) -> None:
    assert "is a TensorRT engine, which vidtrack does not run" in broken(b"ptrt and more", tmp_path / "model.engine")
    assert "is a LiteRT model, which" in broken(b"\x1c\0\0\0TFL3", tmp_path / "model.tflite")
    (tmp_path / "model.mlpackage").mkdir()
    with pytest.raises(WeightsError, match="is a Core ML model, which vidtrack does not run"):
        read_checkpoint(tmp_path / "model.mlpackage")
    (tmp_path / "model.xml").write_text("<net/>")
    assert "weights of an OpenVINO model (give model.xml instead)" in broken(b"\0" * 99, tmp_path / "model.bin")


def test_another_network_is_named_by_its_keys(tmp_path: Path) -> None:
    save_file({"conv1.weight": torch.zeros(1), "fc.bias": torch.zeros(1)}, tmp_path / "r.safetensors")
    with pytest.raises(WeightsError, match=r"not a Deformable DETR: its 2 keys begin with conv1\.weight, fc\.bias"):
        read_checkpoint(tmp_path / "r.safetensors")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(WeightsError, match="holds a list"):
        read_checkpoint(tmp_path / "list.pth")
    torch.save({"epoch": 3}, tmp_path / "empty.pth")
    with pytest.raises(WeightsError, match="holds no tensors"):
        read_checkpoint(tmp_path / "empty.pth")


def test_hugging_face_bin_and_shards(tmp_path: Path) -> None:
    model = DeformableDETR(SMALL).eval()
    write_hugging_face(model, tmp_path / "whole")
    expected = read_checkpoint(tmp_path / "whole")
    assert expected.config == SMALL

    from safetensors.torch import load_file

    state = load_file(tmp_path / "whole" / "model.safetensors")
    config = (tmp_path / "whole" / "config.json").read_text()
    for name in ("binary", "shards"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(config)
    torch.save(state, tmp_path / "binary" / "pytorch_model.bin")
    names = sorted(state)
    parts = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
    for file, part in parts.items():
        save_file({name: state[name] for name in part}, tmp_path / "shards" / file)
    index = tmp_path / "shards" / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {name: file for file, part in parts.items() for name in part}}))

    lone_file = tmp_path / "binary" / "pytorch_model.bin"
    for path in (tmp_path / "binary", tmp_path / "shards", lone_file):
        checkpoint = read_checkpoint(path)
        assert checkpoint.config == SMALL
        assert all(torch.equal(checkpoint.state[name], value) for name, value in model.state_dict().items())

    (tmp_path / "shards" / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"shard model-00002-of-00002\.safetensors is missing"):
        read_checkpoint(tmp_path / "shards")
    index.write_text(json.dumps({"weight_map": {"x": "../whole/model.safetensors"}}))
    with pytest.raises(WeightsError, match="outside its folder"):
        read_checkpoint(tmp_path / "shards")
    (tmp_path / "binary" / "config.json").unlink()
    with pytest.raises(WeightsError, match=r"no config\.json beside"):
        read_checkpoint(lone_file)
