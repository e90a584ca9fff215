"""Detectors exported to other runtimes: the metadata of their files, and how vidtrack runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np
import torch
from torch import Tensor

from vidtrack.core.detections import Detections
from vidtrack.core.errors import UsageError, WeightsError, first_line
from vidtrack.model.device import is_out_of_memory
from vidtrack.model.outputs import Found
from vidtrack.model.preprocess import check_size, resize_and_pad
from vidtrack.model.protocol import Origin, Preprocessor

if TYPE_CHECKING:
    from vidtrack.model.detectors import LoadOptions

METADATA_KEY = "vidtrack"  # of ONNX's metadata_props and of OpenVINO's rt_info
FORMAT = 1
IMAGES, SCORES, BOXES = "images", "scores", "boxes"  # names of the input and the outputs
EXPORT_HINT = "files of `vidtrack weights export` run here"

# uint8 RGB images (B, H, W, 3) to scores (B, Q, K) and boxes (B, Q, 4); called from several threads at once
Run = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


class ExportHeader(msgspec.Struct, frozen=True):
    """The metadata of an exported file, stored as JSON.

    `size` and `max_size` are the shorter and longest side, in pixels, that an image is resized to; `score` is the
    default minimum score of a track; `vidtrack` is the release that exported it, None if others did; `use` says what
    the model may be used for, if that is restricted; `sha256` is that of the checkpoint; an empty class name is an
    unused slot.
    """

    runtime: Literal["onnx", "openvino", "tensorrt"]
    precision: Literal["float32", "int8"]
    model: str
    classes: tuple[str, ...]
    size: int
    max_size: int
    score: float
    vidtrack: str | None
    licence: str | None = None
    use: str | None = None
    sha256: str | None = None
    format: int = FORMAT

    def to_json(self) -> str:
        """The text that is stored under `METADATA_KEY`."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str | None, path: Path) -> ExportHeader:
        """The header from a file's metadata; `text` is None for a file without it. Raises WeightsError."""
        if text is None:
            raise WeightsError(f"{path} has no vidtrack metadata: it was exported by another program", EXPORT_HINT)
        try:
            header = msgspec.json.decode(text, type=cls)
        except msgspec.DecodeError as error:
            raise WeightsError(f"{path} has damaged vidtrack metadata: {error}", "export it again") from None
        if header.format != FORMAT:
            raise WeightsError(f"{path} has export format {header.format}; this release reads {FORMAT}", "upgrade")
        return header


class ExportedDetector:
    """A detector whose network another runtime runs; without embeddings, so tracks are linked by association."""

    def __init__(self, run: Run, header: ExportHeader, origin: Origin, precision: str) -> None:
        self._run, self.header = run, header
        self.origin, self.class_names, self.precision = origin, header.classes, precision
        self.device = torch.device("cpu")  # where images and results lie

    @property
    def num_classes(self) -> int:
        """Number of classes, unused slots included."""
        return len(self.class_names)

    @property
    def default_score(self) -> float:
        """Minimum score of a track if the user names none."""
        return self.header.score

    @property
    def default_tracker(self) -> str:
        """The only one that needs no embeddings."""
        return "association"

    def preprocessor(self, size: int | None = None) -> Preprocessor:
        """Resizes as the exported model was: pixels are uint8 (B, H, W, 3), normalised inside the network."""
        check_size(size, self.header.size)
        shorter = size or self.header.size
        longest = round(self.header.max_size * shorter / self.header.size)

        def prepare(images: Sequence[np.ndarray]) -> tuple[Tensor, Tensor | None]:
            batch, padding = resize_and_pad(images, shorter, longest)
            return torch.from_numpy(batch), padding

        return prepare

    def encode(self, pixels: Tensor, padding: Tensor | None = None) -> Found:
        """Run the whole network; images of different sizes run one by one, as it takes no padding."""
        if padding is None:
            return self._found(pixels.numpy())
        parts = []
        for image, mask in zip(pixels.numpy(), padding.numpy(), strict=True):
            height, width = int((~mask[:, 0]).sum()), int((~mask[0]).sum())
            parts.append(self._found(image[None, :height, :width]))
        return Found(torch.cat([part.scores for part in parts]), torch.cat([part.boxes for part in parts]))

    def _found(self, images: np.ndarray) -> Found:
        try:
            scores, boxes = self._run(np.ascontiguousarray(images))
        except Exception as error:  # each runtime has its own errors
            if is_out_of_memory(error):
                raise MemoryError(first_line(error)) from error
            height, width = images.shape[1:3]
            raise UsageError(
                f"{self.origin.name} fails at {width}x{height} pixels: {first_line(error)}", "try another --size"
            ) from error
        return Found(torch.from_numpy(scores), torch.from_numpy(boxes))

    def predict(self, memory: Found) -> tuple[Tensor, Tensor]:
        """Scores (B, Q, K) and boxes (B, Q, 4) as cxcywh."""
        return memory.scores, memory.boxes

    def detect(self, memory: Found, size: tuple[int, int], min_score: float, allowed: np.ndarray) -> Detections:
        """The best class of every query that has at least `min_score`."""
        return memory.detections(size, min_score, allowed)


def require_outputs(path: Path, header: ExportHeader, inputs: Sequence[str], classes: int | None) -> None:
    """Raise WeightsError if a file's graph is not the one its metadata describes; `classes` None is unknown."""
    if list(inputs) != [IMAGES] or classes not in (None, len(header.classes)):
        raise WeightsError(
            f"{path} does not fit its metadata: inputs {', '.join(inputs)}, {classes} classes "
            f"for {len(header.classes)} names",
            "export it again",
        )


def refuse_options(name: str, options: LoadOptions, precisions: set[str]) -> None:
    """Raise UsageError for a prompt, and for a precision that an exported file does not run in."""
    if options.prompt:
        raise UsageError(f"{name} does not read text: its classes are fixed", "use --classes")
    if options.precision not in precisions:
        known = ", ".join(sorted(precisions))
        raise UsageError(f"{name} does not run in precision {options.precision!r}", f"use {known}")
