"""The detector as the rest of vidtrack sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from vidtrack.core.detections import Detections

if TYPE_CHECKING:
    import torch
    from torch import Tensor

# RGB images, uint8 (H, W, 3), to pixels (B, 3, H, W) and padding (B, H, W), True outside each image, or None
Preprocessor = Callable[[Sequence[np.ndarray]], "tuple[Tensor, Tensor | None]"]


@dataclass(frozen=True)
class Origin:
    """What a model was loaded from: a name or path, and the hash of its weights file; None if it was never a file."""

    name: str
    sha256: str | None = None


class Memory(Protocol):
    """What a detector's `encode` returns for a batch of images; opaque to everything else."""

    def __getitem__(self, index: slice) -> Any:
        """The memory of some images of the batch."""


class Detector(Protocol):
    """Finds objects in images, in two steps: `encode` several side by side or in a batch, then `detect` in order.

    `encode` and preprocessors are called from several threads at once.
    """

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of each class; an empty name is an unused slot."""

    @property
    def num_classes(self) -> int:
        """Number of classes K, unused slots included."""

    @property
    def origin(self) -> Origin:
        """What the detector was loaded from."""

    @property
    def default_score(self) -> float:
        """Minimum score of a track if the user names none."""

    @property
    def default_tracker(self) -> str:
        """Name of the tracker if the user names none."""

    @property
    def device(self) -> torch.device:
        """Where the detector runs."""

    @property
    def precision(self) -> str:
        """Name of its number format, such as float32."""

    def preprocessor(self, size: int | None = None) -> Preprocessor:
        """A function that makes images ready for `encode`; `size` replaces the detector's own shorter side in pixels.

        Raises UsageError if the detector does not take that size.
        """

    def encode(self, pixels: Tensor, padding: Tensor | None = None) -> Memory:
        """The work that frames of a batch share."""

    def predict(self, memory: Any) -> tuple[Tensor, Tensor]:
        """Scores (B, Q, K) in [0, 1], and boxes (B, Q, 4) as cxcywh in (0, 1) of each image without its padding."""

    def detect(self, memory: Any, size: tuple[int, int], min_score: float, allowed: np.ndarray) -> Detections:
        """Boxes of the `allowed` (K,) classes in a frame of `size` (width, height), with at least `min_score`.

        `memory` is that of one frame.
        """
