"""Small Deformable DETRs, each exported once per run for all workers; one is on three convolutions, for speed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from filelock import FileLock
from msgspec.structs import replace
from torch import nn

from tests.networks import TINY, TINY_PAPER
from vidtrack.model import backbone
from vidtrack.model.checkpoint import save_checkpoint
from vidtrack.model.config import DetectorConfig
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


def checkpoint(folder: Path, name: str, config: DetectorConfig) -> Path:
    """A checkpoint whose scores lie around one half, so that it finds objects in anything."""
    path = folder / f"{name}.safetensors"
    if not path.exists():
        torch.manual_seed(0)
        model = DeformableDETR(config)
        for key, parameter in model.named_parameters():
            if parameter.ndim > 1 and "sampling_offsets" not in key:
                nn.init.normal_(parameter, 0, parameter[0].numel() ** -0.5)
        save_checkpoint(model, path)
    return path


def transformers_folder(folder: Path) -> Path:
    """What the transformers library saves: one stage on a ResNet, boxes not refined."""
    import transformers

    path = folder / "transformers"
    if not path.exists():
        torch.manual_seed(0)
        backbone = {"use_timm_backbone": True, "use_pretrained_backbone": False, "backbone": "resnet18"}
        sizes = {"d_model": 32, "encoder_attention_heads": 4, "decoder_attention_heads": 4, "num_queries": 7}
        depths = {"encoder_layers": 1, "decoder_layers": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32}
        config = transformers.DeformableDetrConfig(**backbone, **sizes, **depths, num_labels=3)
        model = transformers.DeformableDetrForObjectDetection(config)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if "backbone" not in name:
                    parameter.add_(torch.randn_like(parameter) * 0.05)
        model.save_pretrained(path)
    return path


_ONE_STAGE = replace(TINY_PAPER, backbone="three", feature_levels=2, num_levels=3, decoder_layers=1, size=64)
_TWO_STAGE = replace(_ONE_STAGE, box_refine=True, two_stage=True, decoder_layers=2)
SOURCES: dict[str, Callable[[Path], Path]] = {
    "tiny": lambda folder: checkpoint(folder, "tiny", TINY_EXPORT),
    "one stage": lambda folder: checkpoint(folder, "one stage", _ONE_STAGE),
    "two stages": lambda folder: checkpoint(folder, "two stages", _TWO_STAGE),
    "transformers": transformers_folder,
}
_ENDINGS = {"onnx": ".onnx", "openvino": ".xml", "tensorrt": ".tensorrt.onnx", "int8": "-int8.xml"}


def exported(root: Path, runtime: str, name: str = "tiny") -> Path:
    """The exported file of a model of `SOURCES`; `root` is shared by the workers of a run."""
    folder = root / "exports"
    folder.mkdir(exist_ok=True)
    path = folder / (name + _ENDINGS[runtime])
    with FileLock(folder / "lock"), small_backbone():
        source = str(SOURCES[name](folder))
        onnx_file = folder / f"{name}.onnx"
        if not onnx_file.exists() and runtime != "tensorrt":
            export_model(source, "onnx", onnx_file)
        if path.exists():
            return path
        if runtime == "tensorrt":
            export_model(source, "tensorrt", path)
            return path
        _, header = load_for_export(source, None)
        if runtime == "openvino":
            convert_onnx(onnx_file, replace(header, runtime="openvino"), path)
        else:
            noise = np.random.default_rng(0).integers(0, 256, (2, 1, 96, 128, 3), dtype=np.uint8)
            convert_onnx(onnx_file, replace(header, runtime="openvino", precision="int8"), path, list(noise))
    return path
