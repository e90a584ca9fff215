"""MOTR's queries."""

from __future__ import annotations

import torch

from tests.model.published import CONFIGS
from vidtrack.model.motr import MOTR


@torch.inference_mode()
def test_tracks_attend_to_each_other_first_and_answers_have_them_first() -> None:
    torch.manual_seed(0)
    model = MOTR(CONFIGS["motr"]).eval()
    memory = model.encode(torch.randn(1, 3, 64, 96))
    alone = model.decode_with_tracks(memory, None)
    content, position, centres = torch.randn(1, 3, 64), torch.randn(1, 3, 64), torch.rand(1, 3, 2)
    both = model.decode_with_tracks(memory, model.carried_queries(content, position, centres))
    assert both.logits.shape[2] == alone.logits.shape[2] + 3
    moved = model.decode_with_tracks(memory, model.carried_queries(content, position, 1 - centres))
    changed = (both.boxes - moved.boxes)[-1, 0].abs().amax(-1)
    assert changed[:3].min() > 0.01  # the tracks' own boxes move with their centres
    order = torch.tensor([2, 0, 1])
    turned = model.decode_with_tracks(
        memory, model.carried_queries(content[:, order], position[:, order], centres[:, order])
    )
    torch.testing.assert_close(turned.boxes[-1, 0, :3], both.boxes[-1, 0, order], atol=1e-5, rtol=1e-4)
