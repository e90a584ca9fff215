from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor

from vidtrack.model.batching import DynamicBatcher
from vidtrack.model.detector import DeformableDETR, Memory


class Counting:
    """A model that notes the sizes of its batches, and fails at those larger than `room`."""

    def __init__(self, model: DeformableDETR, room: int = 99) -> None:
        self.model, self.room = model, room
        self.batches: list[int] = []

    def encode(self, pixels: Tensor, padding: Tensor | None) -> Memory:
        self.batches.append(len(pixels))
        if len(pixels) > self.room:
            raise RuntimeError("out of memory")
        return self.model.encode(pixels, padding)


def frames(count: int, width: int = 96) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(1, 3, 64, width, generator=generator) for _ in range(count)]


def encode_at_once(model: Counting, pixels: list[Tensor]) -> list[Memory]:
    """Each frame by a thread of its own; a batch waits until all have handed in theirs."""
    batcher = DynamicBatcher(patience_seconds=2)
    joined = threading.Barrier(len(pixels))

    def encode(frame: Tensor) -> Memory:
        with batcher.joined():
            joined.wait(20)
            memory = batcher.encode(model, frame)  # type: ignore[arg-type]
            joined.wait(20)
            return memory

    with ThreadPoolExecutor(len(pixels)) as pool:
        return list(pool.map(encode, pixels))


@torch.inference_mode()
def test_each_frame_gets_its_own_memory(tiny_model: DeformableDETR) -> None:
    model, pixels = Counting(tiny_model), frames(4)
    memories = encode_at_once(model, pixels)
    assert model.batches == [4]
    for frame, memory in zip(pixels, memories, strict=True):
        alone = tiny_model.encode(frame)
        torch.testing.assert_close(memory.tokens, alone.tokens, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(memory.proposal_logits, alone.proposal_logits, rtol=1e-4, atol=1e-5)
        assert memory.shapes == alone.shapes


def test_frames_of_other_sizes_wait_for_the_next_batch(tiny_model: DeformableDETR) -> None:
    model = Counting(tiny_model)
    memories = encode_at_once(model, [*frames(2), *frames(1, width=64)])
    assert sorted(model.batches) == [1, 2]
    assert [len(memory.tokens) for memory in memories] == [1, 1, 1]


def test_frames_that_do_not_fit_together_are_encoded_alone(tiny_model: DeformableDETR) -> None:
    model = Counting(tiny_model, room=1)
    assert len(encode_at_once(model, frames(3))) == 3
    assert model.batches == [3, 1, 1, 1]


def test_an_error_reaches_whoever_asked(tiny_model: DeformableDETR) -> None:
    model, batcher = Counting(tiny_model, room=0), DynamicBatcher(patience_seconds=0)
    for _ in range(2):  # and nobody waits for the one that failed
        with pytest.raises(RuntimeError, match="out of memory"):
            batcher.encode(model, frames(1)[0])  # type: ignore[arg-type]
