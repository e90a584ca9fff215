"""Every kind of detector; a new one is a module that implements `Detector`, and an entry here."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from vidtrack.core.errors import UsageError
from vidtrack.model.detector_families import is_own
from vidtrack.model.registry import Located, locate

if TYPE_CHECKING:
    from vidtrack.model.protocol import Detector


@dataclass(frozen=True)
class LoadOptions:
    """How to load any detector: device, precision and prompt as `load_model` takes them."""

    device: str = "auto"
    precision: str = "auto"
    prompt: tuple[str, ...] | None = None


@dataclass(frozen=True)
class DetectorEntry:
    """A kind of detector.

    `accepts` looks at a file or folder without reading its weights. `factory` is "module:function", called with a
    `Located` and `LoadOptions`.
    """

    name: str
    summary: str
    accepts: Callable[[Path], bool]
    factory: str
    extra: str | None = None  # of the package's optional dependencies, if it needs one

    def load(self, located: Located, options: LoadOptions) -> Detector:
        """The detector, ready for inference."""
        module, _, name = self.factory.partition(":")
        try:
            factory = getattr(import_module(module), name)
        except ModuleNotFoundError as error:
            raise UsageError(
                f"{located.name} needs the {error.name} package", f"pip install 'vidtrack[{self.extra}]'"
            ) from None
        detector: Detector = factory(located, options)
        return detector


def _is_for_transformers(path: Path) -> bool:
    """Whether a folder's config names a model, and not one of our own."""
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and "model_type" in config and not is_own(config)


# The first that accepts a path loads it; the last accepts anything and says what is wrong with it.
DETECTORS: tuple[DetectorEntry, ...] = (
    DetectorEntry(
        "transformers",
        "Object detectors of the transformers package: RT-DETR, D-FINE, RF-DETR, Grounding DINO and others.",
        _is_for_transformers,
        "vidtrack.model.transformers_detector:load",
        extra="detectors",
    ),
    DetectorEntry(
        "faces",
        "CenterFace, which finds faces, run by ONNX Runtime.",
        lambda path: path.name == "centerface.onnx",
        "vidtrack.model.face_detector:load",
        extra="faces",
    ),
    DetectorEntry(
        "onnx",
        "A Deformable DETR exported to ONNX, run by ONNX Runtime.",
        lambda path: path.suffix.lower() == ".onnx",
        "vidtrack.model.onnx_detector:load",
        extra="onnx",
    ),
    DetectorEntry(
        "openvino",
        "A Deformable DETR exported to OpenVINO.",
        lambda path: path.suffix.lower() == ".xml",
        "vidtrack.model.openvino_detector:load",
        extra="openvino",
    ),
    DetectorEntry(
        "deformable-detr",
        "Deformable DETR: vidtrack's own checkpoints, the official ones and those of Hugging Face.",
        lambda path: True,
        "vidtrack.model.checkpoint:load_located",
    ),
)


def kind_of(path: Path) -> DetectorEntry:
    """The kind of detector in a file or folder, by its name and config alone."""
    return next(entry for entry in DETECTORS if entry.accepts(path))


def load_model(
    name_or_path: str | Path = "default",
    device: str = "auto",
    precision: str = "auto",
    prompt: Sequence[str] | None = None,
) -> Detector:
    """A detector ready for inference: a name of the registry (downloaded on first use) or a checkpoint of any kind.

    `device` is auto, cpu, cuda, cuda:N or mps; `precision` auto, float32, float16 or bfloat16. `prompt` holds what to
    find, such as ("red car", "bicycle helmet"), for models that read text. Raises WeightsError and UsageError.
    """
    located = locate(name_or_path)
    options = LoadOptions(device, precision, None if prompt is None else tuple(prompt))
    return kind_of(located.path).load(located, options)
