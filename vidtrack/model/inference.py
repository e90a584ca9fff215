"""The first half of detection: from a frame to the detector's memory."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from vidtrack.model.batching import DynamicBatcher
from vidtrack.model.device import share_threads
from vidtrack.model.protocol import Detector, Memory


class FrameEncoder:
    """Encodes RGB frames on the detector's device and in its number format.

    `size` replaces the detector's shorter side in pixels. With a `batcher`, frames share batches with those of other
    clips. On a CPU, `workers` threads may encode a frame each, which uses the cores
    better than many threads per operator; call `use_threads` in each of them. Results do not depend on their number.
    """

    def __init__(self, detector: Detector, size: int | None = None, batcher: DynamicBatcher | None = None) -> None:
        self.detector, self.device = detector, detector.device
        self._encode = detector.encode if batcher is None else partial(batcher.encode, detector)
        self._prepare = detector.preprocessor(size)
        self.workers, self._threads = 1, torch.get_num_threads()
        if self.device.type == "cpu" and batcher is None:
            self.workers, self._threads = share_threads()

    def use_threads(self) -> None:
        """Limit the operators of the calling thread to its share of the CPU threads."""
        torch.set_num_threads(self._threads)

    def batch(self, image: np.ndarray) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Pixels (1, 3, H, W) and padding of one RGB frame, as `encode` takes them."""
        return self._prepare([image])

    @torch.inference_mode()
    def encode(self, pixels: torch.Tensor, padding: torch.Tensor | None = None) -> Memory:
        """The part of detection that frames can share."""
        memory: Memory = self._encode(pixels, padding)
        return memory
