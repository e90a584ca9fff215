from __future__ import annotations

import torch

from vidtrack.model.attention import DeformableAttention, FeedForward, lowered


def test_a_fresh_attention_looks_outwards_in_as_many_directions_as_heads() -> None:
    attention = DeformableAttention(32, heads=4, levels=2, points=3)
    grid = attention.sampling_offsets.bias.detach().view(4, 2, 3, 2)  # (heads, levels, points, xy)
    for head, direction in enumerate(([1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0])):
        for point in range(3):  # point k starts k pixels out
            expected = (point + 1) * torch.tensor(direction)
            torch.testing.assert_close(grid[head, 0, point], expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(grid[:, 0], grid[:, 1])
    assert not attention.attention_weights.weight.any() and not attention.sampling_offsets.weight.any()


@torch.no_grad()
def test_what_lies_in_padding_is_not_seen() -> None:
    torch.manual_seed(0)
    attention = DeformableAttention(32, heads=4, levels=1, points=2)
    query, tokens = torch.randn(1, 5, 32), torch.randn(1, 12, 32)
    reference = torch.rand(1, 5, 1, 2)
    padding = torch.zeros(1, 12, dtype=torch.bool)
    padding[:, 8:] = True
    one = attention(query, reference, tokens, [(3, 4)], padding)
    other = attention(query, reference, tokens.masked_fill(padding[..., None], 9.0), [(3, 4)], padding)
    torch.testing.assert_close(one, other)
    assert not torch.allclose(one, attention(query, reference, tokens, [(3, 4)], None))


def test_only_layers_of_16_bits_lower_their_input() -> None:
    layer, x = FeedForward(8, 16, 0.0), torch.ones(1, 8)
    assert lowered(x, layer) is x
    assert lowered(x, layer.bfloat16()).dtype == torch.bfloat16
