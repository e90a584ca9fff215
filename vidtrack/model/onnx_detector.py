"""Exported ONNX files behind the `Detector` protocol, through ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from vidtrack.core.errors import UsageError, WeightsError, first_line
from vidtrack.model.checkpoint import origin_of
from vidtrack.model.detectors import LoadOptions
from vidtrack.model.device import share_threads
from vidtrack.model.exported import (
    BOXES,
    EXPORT_HINT,
    METADATA_KEY,
    SCORES,
    ExportedDetector,
    ExportHeader,
    refuse_options,
    require_outputs,
)
from vidtrack.model.registry import Located

_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
_ERRORS_ONLY = 3


def load(located: Located, options: LoadOptions) -> ExportedDetector:
    """The entry of `detectors.DETECTORS`; raises WeightsError or UsageError."""
    refuse_options(located.name, options, {"auto", "float32"})
    session = open_session(located.path, options.device)
    header = _header(session, located.path)
    classes = session.get_outputs()[0].shape[-1]
    known = classes if isinstance(classes, int) else None
    require_outputs(located.path, header, [one.name for one in session.get_inputs()], known)

    def run(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scores, boxes = session.run([SCORES, BOXES], {session.get_inputs()[0].name: images})
        return scores, boxes

    return ExportedDetector(run, header, origin_of(located), header.precision)


def read_header(path: Path) -> ExportHeader:
    """The metadata of an exported file; raises WeightsError."""
    return _header(open_session(path, "cpu"), path)


def _header(session: Any, path: Path) -> ExportHeader:
    return ExportHeader.from_json(session.get_modelmeta().custom_metadata_map.get(METADATA_KEY), path)


def open_session(path: Path, device: str, content: bytes | None = None) -> Any:
    """An InferenceSession of a file, or of the `content` made from it; raises WeightsError and UsageError."""
    providers = _providers(device)
    _, threads = share_threads()
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.log_severity_level = _ERRORS_ONLY
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")  # other stages want the cores
    try:
        return onnxruntime.InferenceSession(content or path, settings, providers=providers)
    except Exception as error:  # its errors have no common base
        raise _unusable(path, error) from None


def _unusable(path: Path, error: Exception) -> WeightsError:
    if "_TRT" in str(error):
        return WeightsError(f"{path} was exported for TensorRT, which vidtrack does not run", "export it --to onnx")
    return WeightsError(f"ONNX Runtime cannot load {path}: {first_line(error)}", EXPORT_HINT)


def _providers(device: str) -> list[Any]:
    """Execution providers for a device of vidtrack; raises UsageError."""
    has_cuda = _CUDA in onnxruntime.get_available_providers()
    if device == "cpu" or (device == "auto" and not has_cuda):
        return [_CPU]
    name, _, index = (f"cuda:{device}" if device.isdecimal() else device).partition(":")
    if name not in ("auto", "cuda") or not (index or "0").isdecimal():
        raise UsageError(f"ONNX Runtime has no device {device!r}", "use auto, cpu, cuda or a GPU number")
    if not has_cuda:
        raise UsageError("this ONNX Runtime was built without CUDA", "pip install onnxruntime-gpu, or --device cpu")
    return [(_CUDA, {"device_id": int(index or 0)}), _CPU]
