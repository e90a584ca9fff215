"""The first half of detection, frame by frame: from a picture to the encoder's memory."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from vidtrack.core.errors import UsageError
from vidtrack.model.batching import DynamicBatcher
from vidtrack.model.detector import DeformableDETR, Memory
from vidtrack.model.preprocess import to_batch

SMALLEST_SIZE = 32  # pixels; below, the deepest level of a backbone has nothing left to look at


class FrameEncoder:
    """Encodes RGB frames on the model's device and in its number format.

    `size` replaces the config's shorter side in pixels; the longest side may then grow in proportion. `batcher`
    encodes them together with those of other clips.
    """

    def __init__(self, model: DeformableDETR, size: int | None = None, batcher: DynamicBatcher | None = None) -> None:
        config = model.config
        if size is not None and size < SMALLEST_SIZE:
            raise UsageError(
                f"size is {size}", f"give {SMALLEST_SIZE} or more pixels, {config.size} is the model's own"
            )
        self.model = model
        self._encode = model.encode if batcher is None else partial(batcher.encode, model)
        self._size = size or config.size
        self._max_size = round(config.max_size * self._size / config.size)
        parameter = next(model.parameters())
        self.device, self._dtype = parameter.device, parameter.dtype

    @property
    def precision(self) -> str:
        """Name of the number format, such as float32."""
        return str(self._dtype).removeprefix("torch.")

    def batch(self, image: np.ndarray) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Pixels (1, 3, H, W) and padding of one RGB frame, as `encode` takes them."""
        return to_batch([image], self._size, self._max_size, self.device, self._dtype)

    @torch.inference_mode()
    def encode(self, pixels: torch.Tensor, padding: torch.Tensor | None = None) -> Memory:
        """Backbone and encoder."""
        memory: Memory = self._encode(pixels, padding)
        return memory
