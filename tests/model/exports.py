"""One small Deformable DETR, exported once per run for all workers; its backbone is three convolutions, for speed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import torch
from filelock import FileLock
from msgspec.structs import replace
from torch import nn

from tests.networks import TINY
from vidtrack.model import backbone
from vidtrack.model.checkpoint import save_checkpoint
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.export import export_model
from vidtrack.model.onnx_export import load_for_export
from vidtrack.model.openvino_export import convert_onnx

TINY_EXPORT = replace(
    TINY, backbone="three", decoder_layers=1, proposal_iou=0.7, proposal_cells=1.8, matrix_nms=0.5, score=0.3
)


def _three(dilation: bool) -> nn.Module:
    layers = [nn.Conv2d(3, 8, 4, 4), nn.Conv2d(8, 16, 3, 2, 1), nn.Conv2d(16, 32, 3, 2, 1)]
    return nn.Sequential(*layers)


@contextmanager
def small_backbone() -> Iterator[None]:
    """Inside, backbone "three" is known."""
    spec = backbone.BackboneSpec(_three, (backbone.Stage("1", 16), backbone.Stage("2", 32)))
    with mock.patch.dict(backbone.BACKBONES, {"three": spec}):
        yield


def checkpoint(folder: Path) -> Path:
    """A checkpoint whose scores lie around one half, so that it finds objects in anything."""
    path = folder / "tiny.safetensors"
    if not path.exists():
        torch.manual_seed(0)
        model = DeformableDETR(TINY_EXPORT)
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1 and "sampling_offsets" not in name:
                nn.init.normal_(parameter, 0, parameter[0].numel() ** -0.5)
        save_checkpoint(model, path)
    return path


def exported(root: Path, runtime: str) -> Path:
    """The exported file; `root` is shared by the workers of a run."""
    folder = root / "exports"
    folder.mkdir(exist_ok=True)
    path = folder / {"onnx": "tiny.onnx", "openvino": "tiny.xml", "tensorrt": "tiny.tensorrt.onnx"}[runtime]
    with FileLock(folder / "lock"), small_backbone():
        source = checkpoint(folder)
        plain = folder / "tiny.onnx"
        if not plain.exists() and runtime != "tensorrt":
            export_model(str(source), "onnx", plain)
        if not path.exists() and runtime == "openvino":
            _, header = load_for_export(str(source), None)
            convert_onnx(plain, replace(header, runtime="openvino"), path)
        if not path.exists():
            export_model(str(source), "tensorrt", path)
    return path
