"""Describes any model in a few lines."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from vidtrack.core.errors import WeightsError
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.detectors import kind_of, load_model
from vidtrack.model.exported import ExportedDetector, ExportHeader
from vidtrack.model.protocol import Detector
from vidtrack.model.registry import locate


def describe(name_or_path: str) -> list[tuple[str, str]]:
    """Names and values for people; raises WeightsError and UsageError as `load_model` does."""
    located = locate(name_or_path)
    detector = load_model(name_or_path, "cpu")
    classes = [name for name in detector.class_names if name]
    facts = [("model", detector.origin.name), ("kind", kind_of(located.path).summary)]
    licence, use = (None, None) if located.entry is None else (located.entry.licence, located.entry.use)
    if isinstance(detector, ExportedDetector):
        header = detector.header
        if header.vidtrack is not None:
            facts += [("exported", f"from {header.model} by vidtrack {header.vidtrack}")]
        facts += [("size", f"shorter side {header.size}, longest {header.max_size} pixels")]
        licence, use = header.licence, header.use
    elif isinstance(detector, DeformableDETR):
        config = detector.config
        facts += [("size", f"shorter side {config.size}, longest {config.max_size} pixels")]
    facts += [
        ("score", f"{detector.default_score:g}"),
        ("precision", detector.precision),
        ("tracker", _trackers(detector)),
        ("licence", licence or "unknown"),
        *([("use", use)] if use else []),
        ("sha256", detector.origin.sha256 or "unknown"),
        ("classes", f"{len(classes)}: {', '.join(classes)}"),
    ]
    return facts


def export_header(path: Path) -> ExportHeader | None:
    """The metadata of an exported file, None for any other file."""
    kind = kind_of(path)
    if kind.name not in ("onnx", "openvino"):
        return None
    try:
        header: ExportHeader = import_module(kind.factory.partition(":")[0]).read_header(path)
    except WeightsError:
        return None
    return header


def _trackers(detector: Detector) -> str:
    """The tracker that is used by default, and the other one that could be."""
    if not isinstance(detector, DeformableDETR):
        return detector.default_tracker
    other = "propagation" if detector.default_tracker == "association" else "association"
    return f"{detector.default_tracker}; --tracker {other} works too"
