"""Exports of a Deformable DETR for other runtimes."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from vidtrack.core.atomic_files import cannot_write, check_writable
from vidtrack.core.errors import UsageError
from vidtrack.model.calibration import calibration_images
from vidtrack.model.exported import IMAGES, ExportHeader
from vidtrack.model.onnx_export import load_for_export, write_onnx

_LARGEST_BATCH = 8  # of an engine built with the suggested command


def export_model(
    name_or_path: str,
    runtime: Literal["onnx", "openvino", "tensorrt"],
    path: Path,
    size: int | None = None,
    int8: Path | None = None,
    begun: Callable[[], None] = lambda: None,
) -> ExportHeader:
    """Export a model to a file, with OpenVINO's weights beside it as .bin; returns the file's metadata.

    `size` replaces the model's shorter side in pixels. `int8` is a clip or a folder of images: OpenVINO's model then
    runs in 8 bits, with ranges measured on them. `begun` is called before the part that takes a minute. Raises
    WeightsError, UsageError, InputError and OutputError.
    """
    if int8 is not None and runtime != "openvino":
        raise UsageError("--int8 needs --to openvino", "leave it out, or change --to")
    if not path.parent.is_dir():  # before the work, not after it
        raise cannot_write(path, FileNotFoundError(errno.ENOENT, ""))
    check_writable(path)
    model, header = load_for_export(name_or_path, size)
    header = msgspec.structs.replace(header, runtime=runtime, precision="int8" if int8 else "float32")
    images = None if int8 is None else calibration_images(int8, header.size, header.max_size)
    begun()
    if runtime == "openvino":
        from vidtrack.model.openvino_export import write_openvino

        write_openvino(model, header, path, images)
    else:
        write_onnx(model, header, path)
    return header


def trtexec_command(path: Path, header: ExportHeader) -> str:
    """The command that builds a TensorRT engine, in float32: 16 bits would round sampling positions to pixels."""
    size, longest = header.size, header.max_size
    shapes = {
        "min": (1, size, size),
        "opt": (1, size, longest),
        "max": (_LARGEST_BATCH, longest, longest),
    }
    ranges = " ".join(f"--{name}Shapes={IMAGES}:{b}x{h}x{w}x3" for name, (b, h, w) in shapes.items())
    return f"trtexec --onnx={path} --saveEngine={path.with_suffix('.engine')} {ranges}"
