"""Deformable DETR as an OpenVINO model."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from vidtrack.core.atomic_files import replacing
from vidtrack.core.optional import optional_package
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.exported import METADATA_KEY, ExportHeader
from vidtrack.model.onnx_export import write_onnx


def write_openvino(model: DeformableDETR, header: ExportHeader, path: Path) -> None:
    """Write `path` (.xml) and its weights (.bin).

    Raises UsageError if a package is missing, OutputError if a file cannot be written.
    """
    _openvino()  # before the graph, which takes a minute
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder, "model.onnx")
        write_onnx(model, header, plain)
        convert_onnx(plain, header, path)


def convert_onnx(onnx_file: Path, header: ExportHeader, path: Path) -> None:
    """`write_openvino` from a file of `write_onnx`."""
    openvino = _openvino()
    converted = openvino.convert_model(onnx_file)
    converted.set_rt_info(header.to_json(), [METADATA_KEY])
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder, "model.xml")
        openvino.save_model(converted, written, compress_to_fp16=False)
        del converted
        for suffix in (".bin", ".xml"):  # .xml last: it is the one that users name
            with replacing(path.with_suffix(suffix)) as partial:
                shutil.copyfile(written.with_suffix(suffix), partial)


def _openvino() -> Any:
    return optional_package("openvino", "an export to OpenVINO")
