"""Deformable DETR as an OpenVINO model, in float32 or with its matrix products and convolutions in 8 bits."""

from __future__ import annotations

import contextlib
import io
import logging
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vidtrack.core.atomic_files import replacing
from vidtrack.core.optional import optional_package
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.exported import IMAGES, METADATA_KEY, ExportHeader
from vidtrack.model.onnx_export import write_onnx


def write_openvino(
    model: DeformableDETR, header: ExportHeader, path: Path, calibration: Sequence[np.ndarray] | None = None
) -> None:
    """Write `path` (.xml) and its weights (.bin); with `calibration`, images for its input, in 8 bits.

    Raises UsageError if a package is missing, OutputError if a file cannot be written.
    """
    _packages(calibration is not None)  # before the graph, which takes a minute
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder, "model.onnx")
        write_onnx(model, header, plain)
        convert_onnx(plain, header, path, calibration)


def convert_onnx(
    onnx_file: Path, header: ExportHeader, path: Path, calibration: Sequence[np.ndarray] | None = None
) -> None:
    """`write_openvino` from a file of `write_onnx`."""
    openvino, nncf = _packages(calibration is not None)
    converted = openvino.convert_model(onnx_file)
    if calibration is not None:
        converted = _in_8_bits(nncf, converted, calibration)
    converted.set_rt_info(header.to_json(), [METADATA_KEY])
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder, "model.xml")
        openvino.save_model(converted, written, compress_to_fp16=False)
        del converted
        for suffix in (".bin", ".xml"):  # .xml last: it is the one that users name
            with replacing(path.with_suffix(suffix)) as partial:
                shutil.copyfile(written.with_suffix(suffix), partial)


def _in_8_bits(nncf: Any, model: Any, images: Sequence[np.ndarray]) -> Any:
    """Post-training quantisation; the type "transformer" keeps sampling positions in float32."""
    logging.getLogger("nncf").setLevel(logging.ERROR)
    with contextlib.redirect_stdout(sys.stderr if sys.stderr.isatty() else io.StringIO()):  # its progress bars
        return nncf.quantize(
            model,
            nncf.Dataset([{IMAGES: image} for image in images]),
            preset=nncf.QuantizationPreset.MIXED,
            model_type=nncf.ModelType.TRANSFORMER,
            subset_size=len(images),
            # 8-bit depthwise convolutions of free size crash OpenVINO 2026.4 if their output has an odd side
            ignored_scope=nncf.IgnoredScope(types=["GroupConvolution"], validate=False),
        )


def _packages(quantize: bool) -> tuple[Any, Any]:
    return (
        optional_package("openvino", "an export to OpenVINO", "openvino"),
        optional_package("nncf", "--int8", "int8") if quantize else None,
    )
