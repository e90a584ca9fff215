"""Exported OpenVINO models behind the `Detector` protocol."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import torch

from vidtrack.core.errors import UsageError, WeightsError, first_line
from vidtrack.model.detectors import LoadOptions
from vidtrack.model.device import share_threads
from vidtrack.model.exported import (
    BOXES,
    EXPORT_HINT,
    IMAGES,
    METADATA_KEY,
    SCORES,
    ExportedDetector,
    ExportHeader,
    refuse_options,
    require_outputs,
)
from vidtrack.model.protocol import Origin
from vidtrack.model.registry import Located, file_sha256

# float32 unless asked for: with AMX OpenVINO would round sampling positions, and so boxes, to bfloat16
_HINTS = {"auto": "f32", "float32": "f32", "bfloat16": "bf16", "float16": "f16"}


def load(located: Located, options: LoadOptions) -> ExportedDetector:
    """The entry of `detectors.DETECTORS`; raises WeightsError or UsageError."""
    refuse_options(located.name, options, set(_HINTS))
    if options.device not in ("auto", "cpu"):
        raise UsageError(f"vidtrack runs OpenVINO on the CPU only, not on {options.device!r}", "use --device cpu")
    model = _read(located.path)
    header = _header(model, located.path)
    shape = model.output(SCORES).partial_shape
    known = shape[2].get_length() if shape[2].is_static else None
    require_outputs(located.path, header, [one.any_name for one in model.inputs], known)
    compiled = _compile(model, located.path, _HINTS[options.precision])
    of_thread = threading.local()

    def run(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not hasattr(of_thread, "request"):
            of_thread.request = compiled.create_infer_request()
        of_thread.request.infer({IMAGES: images})
        return tuple(of_thread.request.get_tensor(name).data.copy() for name in (SCORES, BOXES))

    precision = header.precision if options.precision in ("auto", "float32") else options.precision
    return ExportedDetector(run, header, Origin(located.name, _sha256(located.path)), precision)


def read_header(path: Path) -> ExportHeader:
    """The metadata of an exported file; raises WeightsError."""
    return _header(_read(path), path)


def _header(model: Any, path: Path) -> ExportHeader:
    has_one = METADATA_KEY in model.get_rt_info()
    return ExportHeader.from_json(model.get_rt_info([METADATA_KEY]).value if has_one else None, path)


def _read(path: Path) -> Any:
    weights = path.with_suffix(".bin")
    if not weights.is_file():
        raise WeightsError(f"{path} needs its weights {weights.name} beside it", "copy both files")
    try:
        return openvino.Core().read_model(path, weights)
    except Exception as error:  # any error type; the message is all there is
        raise WeightsError(f"{path} is not an OpenVINO model: {first_line(error)}", EXPORT_HINT) from None


def _compile(model: Any, path: Path, precision_hint: str) -> Any:
    workers, _ = share_threads()
    settings = {
        "INFERENCE_PRECISION_HINT": precision_hint,
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": workers,
    }
    try:
        return openvino.Core().compile_model(model, "CPU", settings)
    except Exception as error:
        raise WeightsError(f"OpenVINO cannot run {path}: {first_line(error)}", "export it again") from None


def _sha256(path: Path) -> str:
    """The hash of both files' hashes, in order of name."""
    hashes = [file_sha256(path.with_suffix(suffix)) for suffix in (".bin", ".xml")]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()
