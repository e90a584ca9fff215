"""The first half of detection: from a frame to the encoder's memory."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from vidtrack.core.errors import UsageError
from vidtrack.model.batching import DynamicBatcher
from vidtrack.model.detector import DeformableDETR, Memory
from vidtrack.model.preprocess import to_batch

SMALLEST_SIZE = 32  # pixels; below, the deepest backbone level is empty
_MOST_WORKERS = 4  # each holds the activations of a frame


class FrameEncoder:
    """Encodes RGB frames on the model's device and in its number format.

    `size` replaces the config's shorter side in pixels; the longest side grows in proportion. With a `batcher`, frames
    share batches with those of other clips. On a CPU, `workers` threads may encode a frame each, which uses the cores
    better than many threads per operator; call `use_threads` in each of them. Results do not depend on their number.
    """

    def __init__(self, model: DeformableDETR, size: int | None = None, batcher: DynamicBatcher | None = None) -> None:
        config = model.config
        if size is not None and size < SMALLEST_SIZE:
            raise UsageError(
                f"size is {size}", f"use {SMALLEST_SIZE} pixels or more; the model's default is {config.size}"
            )
        self.model = model
        self._encode = model.encode if batcher is None else partial(batcher.encode, model)
        self._size = size or config.size
        self._max_size = round(config.max_size * self._size / config.size)
        parameter = next(model.backbone.parameters())
        self.device, self._dtype = parameter.device, parameter.dtype
        threads = torch.get_num_threads()
        self.workers = min(threads, _MOST_WORKERS) if self.device.type == "cpu" and batcher is None else 1
        self._threads = threads // self.workers

    @property
    def precision(self) -> str:
        """Name of the number format, such as float32."""
        return str(self._dtype).removeprefix("torch.")

    def use_threads(self) -> None:
        """Limit the operators of the calling thread to its share of the CPU threads."""
        torch.set_num_threads(self._threads)

    def batch(self, image: np.ndarray) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Pixels (1, 3, H, W) and padding of one RGB frame, as `encode` takes them."""
        return to_batch([image], self._size, self._max_size, self.device, self._dtype)

    @torch.inference_mode()
    def encode(self, pixels: torch.Tensor, padding: torch.Tensor | None = None) -> Memory:
        """Backbone and encoder."""
        memory: Memory = self._encode(pixels, padding)
        return memory
