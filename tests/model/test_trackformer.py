"""TrackFormer's two frames, and the fault in its offsets."""

from __future__ import annotations

import torch
from msgspec.structs import replace

from tests.model.published import CONFIGS
from vidtrack.model.attention import DeformableAttention
from vidtrack.model.trackformer import ClipMemory, TrackFormer


def model() -> TrackFormer:
    torch.manual_seed(0)
    return TrackFormer(CONFIGS["trackformer"]).eval()


def encoded(ours: TrackFormer, pixels: torch.Tensor) -> ClipMemory:
    memory = ours.encode(pixels)
    assert isinstance(memory, ClipMemory)
    return memory


@torch.inference_mode()
def test_a_frame_that_nothing_came_before_is_its_own_previous_frame() -> None:
    ours, pixels = model(), torch.randn(1, 3, 64, 96)
    memory = encoded(ours, pixels)
    alone = ours.decode(memory, ours.object_queries(memory))
    joined = memory.after(memory.as_previous)
    twice = ours.decode(joined, ours.object_queries(joined))
    assert torch.equal(alone.logits, twice.logits)
    other = encoded(ours, torch.randn(1, 3, 64, 96))
    after_other = ours.decode(memory.after(other.as_previous), ours.object_queries(memory))
    assert (alone.embeddings - after_other.embeddings).abs().max() > 1e-4


@torch.inference_mode()
def test_the_memory_of_a_batch_is_that_of_its_frames() -> None:
    ours, pixels = model(), torch.randn(2, 3, 64, 96)
    second, alone = encoded(ours, pixels)[1:2], encoded(ours, pixels[1:])
    torch.testing.assert_close(second.tokens, alone.tokens, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(second.as_previous, alone.as_previous, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_swapped_offsets_count_rows_in_x_and_columns_in_y() -> None:
    shapes, size = [(4, 8)], 8 * 4
    torch.manual_seed(0)
    right = DeformableAttention(8, 1, 1, 1)
    right.sampling_offsets.bias.copy_(torch.tensor([2.0, 1.0]))  # x: 2 of 8 columns, y: 1 of 4 rows
    swapped = DeformableAttention(8, 1, 1, 1)
    swapped.load_state_dict(right.state_dict())
    swapped.swapped_offsets = True
    swapped.sampling_offsets.bias.copy_(torch.tensor([1.0, 2.0]))  # 1 of 4 is as far as 2 of 8, and the other way round
    query, tokens, centre = torch.randn(1, 1, 8), torch.randn(1, size, 8), torch.full((1, 1, 1, 2), 0.5)
    same = right(query, centre, tokens, shapes, None), swapped(query, centre, tokens, shapes, None)
    torch.testing.assert_close(*same)
    box = torch.tensor([[[[0.5, 0.5, 0.4, 0.4]]]])  # around boxes its code is right
    swapped.sampling_offsets.bias.copy_(right.sampling_offsets.bias)
    torch.testing.assert_close(right(query, box, tokens, shapes, None), swapped(query, box, tokens, shapes, None))


def test_the_fault_is_a_setting_of_the_config() -> None:
    fixed = TrackFormer(replace(CONFIGS["trackformer"], swapped_offsets=False))
    assert not any(m.swapped_offsets for m in fixed.modules() if isinstance(m, DeformableAttention))
    assert all(m.swapped_offsets for m in model().modules() if isinstance(m, DeformableAttention))
