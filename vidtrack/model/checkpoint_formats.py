"""Reading checkpoint files without trusting them: what kind a file is, and its tensors."""

from __future__ import annotations

import argparse
import json
import pickle
import re
import zipfile
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from vidtrack.core.errors import WeightsError

HUGGING_FACE_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)


_OTHER_RUNTIMES = {
    ".engine": "a TensorRT engine",
    ".mlmodel": "a Core ML model",
    ".mlpackage": "a Core ML model",
    ".plan": "a TensorRT engine",
    ".pte": "an ExecuTorch program",
    ".tflite": "a LiteRT model",
    ".trt": "a TensorRT engine",
}


class FileKind(Enum):
    """What the first bytes of a path say it is."""

    FOLDER = "folder"
    SAFETENSORS = "safetensors"
    PICKLE = "PyTorch pickle"


def sniff(path: Path) -> FileKind:
    """Kind of a file, by content and never by name; raises WeightsError for anything that cannot hold weights."""
    other = _OTHER_RUNTIMES.get(path.suffix.lower())
    if path.is_dir():
        if other is not None:
            raise _of_another_runtime(path, other)
        return FileKind.FOLDER
    try:
        with path.open("rb") as file:
            start = file.read(256)
    except FileNotFoundError:
        raise WeightsError(f"no checkpoint at {path}") from None
    except OSError as error:
        raise WeightsError(f"cannot read checkpoint {path}: {error.strerror}") from None
    if not start:
        raise WeightsError(f"{path} is empty", "download or copy it again")
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 100_000_000:
        return FileKind.SAFETENSORS
    if start.startswith((b"PK\x03\x04", b"\x80\x02")):  # torch's zip, and its form before 1.6
        return FileKind.PICKLE
    if start.startswith(b"version https://git-lfs"):
        raise WeightsError(
            f"{path} is a Git LFS pointer, not the weights", "fetch the file itself, e.g. `git lfs pull`"
        )
    if start.lstrip()[:1] == b"<":
        raise WeightsError(f"{path} is a web page, not weights", "download it again with the file's direct address")
    if other is not None:
        raise _of_another_runtime(path, other)
    if path.suffix == ".bin" and path.with_suffix(".xml").is_file():
        raise WeightsError(
            f"{path} holds the weights of an OpenVINO model", f"give {path.with_suffix('.xml').name} instead"
        )
    raise WeightsError(
        f"{path} is not a checkpoint of a known format",
        "known: vidtrack or Hugging Face .safetensors, Hugging Face folder or .bin, official .pth",
    )


def _of_another_runtime(path: Path, what: str) -> WeightsError:
    return WeightsError(f"{path} is {what}, which vidtrack does not run", "give a checkpoint, an .onnx or an .xml file")


def read_tensors(path: Path) -> tuple[dict[str, Tensor], Mapping[str, Any]]:
    """State dict of a single file, and the training arguments that official checkpoints keep beside it."""
    if sniff(path) is FileKind.SAFETENSORS:
        try:
            return load_file(path), {}
        except (SafetensorError, OSError) as error:
            raise WeightsError(f"{path} is damaged: {error}", "download or copy it again") from None
    content = _unpickle(path)
    if not isinstance(content, Mapping):
        raise WeightsError(f"{path} holds a {type(content).__name__}, not a state dict")
    arguments = content.get("args")
    state = content.get("model", content)
    tensors = isinstance(state, Mapping) and {k: v for k, v in state.items() if isinstance(v, Tensor)}
    if not tensors:
        raise WeightsError(f"{path} holds no tensors")
    return tensors, vars(arguments) if isinstance(arguments, argparse.Namespace) else {}


def _unpickle(path: Path) -> Any:
    """Tensors, containers and the `argparse.Namespace` of official checkpoints; nothing else is ever built."""
    _refuse_program(path)
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        forbidden = re.search(r"GLOBAL (\S+)", str(error))
        if forbidden is None:
            raise WeightsError(f"{path} is damaged: not a readable pickle", "download or copy it again") from None
        raise WeightsError(
            f"{path} is refused: it asks to run {forbidden[1]} while loading", "use weights from a source you trust"
        ) from None
    except Exception as error:  # a damaged file can make PyTorch raise anything, even MemoryError and AssertionError
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise WeightsError(f"{path} is damaged: {reason}", "download or copy it again") from None


def _refuse_program(path: Path) -> None:
    """Raise WeightsError for a TorchScript file or an exported program, which are zip files with code, as .pth are."""
    try:
        with zipfile.ZipFile(path) as archive:
            inside = {name.partition("/")[2] for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError):
        return  # PyTorch's form before 1.6, or damaged
    if "constants.pkl" in inside:
        raise _of_another_runtime(path, "a TorchScript program")
    if "archive_format" in inside or "serialized_exported_program.json" in inside:
        raise _of_another_runtime(path, "a program of torch.export")


def hugging_face_file(folder: Path) -> Path:
    """The weights file, or the index of a sharded one, in a Hugging Face folder."""
    for name in HUGGING_FACE_FILES:
        if (folder / name).is_file():
            return folder / name
    raise WeightsError(f"no weights in folder {folder}", f"expected one of {', '.join(HUGGING_FACE_FILES)}")


def read_folder(folder: Path) -> dict[str, Tensor]:
    """State dict of a Hugging Face folder, its shards joined."""
    path = hugging_face_file(folder)
    if path.suffix != ".json":
        return read_tensors(path)[0]
    state: dict[str, Tensor] = {}
    for shard in _shards(path):
        state.update(read_tensors(shard)[0])
    return state


def _shards(index: Path) -> Iterator[Path]:
    names = read_json(index).get("weight_map")
    if not isinstance(names, dict) or not names:
        raise WeightsError(f"{index} has no weight_map")
    for name in sorted(set(map(str, names.values()))):
        if Path(name).name != name:  # a shard must be beside its index
            raise WeightsError(f"{index} names a shard outside its folder: {name}")
        if not (index.parent / name).is_file():
            raise WeightsError(f"shard {name} is missing from {index.parent}")
        yield index.parent / name


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; raises WeightsError if it is not one."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"cannot read {path}: {error}") from None
    if not isinstance(values, dict):
        raise WeightsError(f"{path} is not a JSON object")
    return values
