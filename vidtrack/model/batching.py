"""Frames of several clips in one batch: threads that track them share one model."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from vidtrack.model.protocol import Detector, Memory

_PATIENCE_SECONDS = 0.005  # how long a batch waits for clips that have no frame ready


class DynamicBatcher:
    """Collects the frames that threads submit while one batch is running into the next batch.

    Only frames of one size share a batch: padding would cost time and change results. Which frames share a batch
    depends on timing, and the last bits of a result on the batch size.
    """

    def __init__(self, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        self._patience = patience_seconds
        self._turn = threading.Condition()
        self._waiting: list[_Request] = []
        self._leading = False  # whether a thread gathers or encodes
        self._clips = 0

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Register one clip; a batch briefly waits for frames of every registered clip."""
        with self._turn:
            self._clips += 1
        try:
            yield
        finally:
            with self._turn:
                self._clips -= 1
                self._turn.notify_all()

    def encode(self, detector: Detector, pixels: Tensor, padding: Tensor | None = None) -> Memory:
        """What `detector` makes of one frame: pixels (1, 3, H, W), padding (1, H, W) or None."""
        request = _Request(detector, pixels, padding)
        with self._turn:
            self._waiting.append(request)
            self._turn.notify_all()
            self._turn.wait_for(lambda: request.is_answered or not self._leading)
            if request.is_answered:
                return request.answer()
            self._leading = True
            self._turn.wait_for(lambda: len(self._waiting) >= self._clips, self._patience)
            batch = [one for one in self._waiting if one.key == request.key]
            self._waiting = [one for one in self._waiting if one.key != request.key]
        try:
            _encode(batch)
        finally:
            with self._turn:
                self._leading = False
                self._turn.notify_all()
        return request.answer()


class _Request:
    """A frame, and later its memory or an error."""

    def __init__(self, detector: Detector, pixels: Tensor, padding: Tensor | None) -> None:
        self.detector, self.pixels, self.padding = detector, pixels, padding
        self.key = (id(detector), pixels.shape, padding is None)
        self.memory: Memory | None = None
        self.error: BaseException | None = None

    @property
    def is_answered(self) -> bool:
        return self.memory is not None or self.error is not None

    def answer(self) -> Memory:
        if self.error is not None:
            raise self.error
        assert self.memory is not None
        return self.memory


def _encode(batch: list[_Request]) -> None:
    """Answer all requests; if the batch fails, e.g. for lack of memory, each frame is encoded alone."""
    try:
        _encode_together(batch)
    except Exception as error:
        if len(batch) == 1:
            batch[0].error = error
            return
        for request in batch:
            _encode([request])


@torch.inference_mode()
def _encode_together(batch: list[_Request]) -> None:
    pixels = torch.cat([request.pixels for request in batch])
    paddings = [request.padding for request in batch if request.padding is not None]
    memory = batch[0].detector.encode(pixels, torch.cat(paddings) if paddings else None)
    for place, request in enumerate(batch):
        request.memory = memory[place : place + 1]
