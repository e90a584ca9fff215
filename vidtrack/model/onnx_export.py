"""Deformable DETR as an ONNX graph: of standard operators, or with TensorRT's plug-in for deformable attention."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vidtrack import ops
from vidtrack.core.atomic_files import replacing
from vidtrack.core.errors import UsageError
from vidtrack.core.metadata import version_of
from vidtrack.core.optional import optional_package
from vidtrack.model import registry
from vidtrack.model.checkpoint import load_deformable_detr
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.exported import BOXES, IMAGES, METADATA_KEY, SCORES, ExportHeader
from vidtrack.model.preprocess import check_size, normalise
from vidtrack.ops import reference

OPSET = 20  # the first whose GridSample takes any number of dimensions
PLUGIN = "MultiscaleDeformableAttnPlugin_TRT"
_EXAMPLE = (2, 352, 480)  # batch, height, width while tracing; a batch of 1 would become constant


def load_for_export(name_or_path: str, size: int | None) -> tuple[DeformableDETR, ExportHeader]:
    """A model on the CPU in float32 and the metadata of its exported file; `size` replaces the model's shorter side.

    Raises WeightsError and UsageError.
    """
    located = registry.locate(name_or_path)
    model = load_deformable_detr(name_or_path, "cpu", "float32")
    if type(model) is not DeformableDETR:
        raise UsageError(
            f"{located.name} carries queries between frames, which an exported graph cannot", "export a detector"
        )
    config = model.config
    check_size(size, config.size)
    shorter = size or config.size
    header = ExportHeader(
        runtime="onnx",
        precision="float32",
        model=located.name if located.entry else located.path.name,
        classes=config.classes or tuple(f"class {number}" for number in range(config.num_classes)),
        size=shorter,
        max_size=round(config.max_size * shorter / config.size),
        score=config.score,
        vidtrack=version_of("vidtrack"),
        licence=None if located.entry is None else located.entry.licence,
        use=None if located.entry is None else located.entry.use,
        sha256=model.origin.sha256,
    )
    return model, header


def write_onnx(model: DeformableDETR, header: ExportHeader, path: Path) -> None:
    """Write an ONNX file; with header.runtime "tensorrt" its deformable attention is TensorRT's plug-in.

    Raises UsageError if a package is missing, OutputError if the file cannot be written.
    """
    optional_package("onnxscript", "an export", "onnx")
    program = _graph(model, _plugin if header.runtime == "tensorrt" else reference.deformable_sampling)
    program.model.producer_name, program.model.producer_version = "vidtrack", header.vidtrack
    program.model.doc_string = _DESCRIPTION
    program.model.metadata_props[METADATA_KEY] = header.to_json()
    with replacing(path) as partial:
        program.save(partial)


_DESCRIPTION = (
    "images: uint8 RGB (batch, height, width, 3), resized as the size rule in metadata_props says, not normalised. "
    "scores: (batch, queries, classes) in [0, 1]. boxes: (batch, queries, 4), centre x, centre y, width, height, "
    "relative to the image."
)


class _Whole(nn.Module):
    """The network from uint8 images to scores and boxes of the last decoder layer."""

    def __init__(self, model: DeformableDETR) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self.model.found(self.model(normalise(images.permute(0, 3, 1, 2).float())))


def _graph(model: DeformableDETR, sampling: reference.Sampling) -> Any:
    images = torch.zeros((*_EXAMPLE, 3), dtype=torch.uint8)
    free = torch.export.Dim.DYNAMIC
    with torch.no_grad(), ops.sampling_through(sampling), _quiet():
        program = torch.export.export(_Whole(model), (images,), dynamic_shapes=({0: free, 1: free, 2: free},))
        exported = torch.onnx.export(
            program, opset_version=OPSET, input_names=[IMAGES], output_names=[SCORES, BOXES], verbose=False
        )
    assert exported is not None
    return exported


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's messages."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _plugin(value: Tensor, shapes: reference.Shapes, locations: Tensor, weights: Tensor) -> Tensor:
    """`reference.deformable_sampling` as a node for TensorRT, with the inputs its plug-in asks for.

    value (B, S, M, D), spatial_shapes (L, 2) and level_start_index (L,) as int32, locations (B, Q, M, L, P, 2),
    weights (B, Q, M, L, P); the output is (B, Q, M, D).
    """
    sides = torch.stack([torch.stack([value.new_full((), side, dtype=torch.int32) for side in s]) for s in shapes])
    cells = sides.prod(dim=1)
    starts = (cells.cumsum(0) - cells).to(torch.int32)
    batch, _, heads, channels = value.shape
    sampled: Tensor = torch.onnx.ops.symbolic(
        f"trt.plugins::{PLUGIN}",
        (value, sides, starts, locations, weights),
        {"plugin_version": "1", "plugin_namespace": ""},
        dtype=value.dtype,
        shape=(batch, locations.shape[1], heads, channels),
        version=1,
    )
    return sampled.flatten(2)
