from __future__ import annotations

import torch

from vidtrack.model.config import DetectorConfig
from vidtrack.model.detector import DeformableDETR
from vidtrack.training.criterion import every_layer, hybrid_queries
from vidtrack.training.matcher import Assignment


def test_one_to_many_queries_can_be_told_from_object_queries(tiny: DetectorConfig) -> None:
    """On the same proposals; otherwise the decoder learns to give every object several boxes."""
    torch.manual_seed(0)
    model = DeformableDETR(tiny).eval()
    memory = model.encode(torch.randn(1, 3, 64, 96))
    objects, many = model.object_queries(memory), hybrid_queries(model, memory, tiny.num_queries)
    torch.testing.assert_close(objects.reference, many.reference)
    assert (objects.content - many.content).abs().mean() > 0.5


def test_every_layer_repeats_an_assignment() -> None:
    one = Assignment.of(torch.tensor([[0, 1, 2, 3], [0, 0, 5, 1]]).numpy(), torch.device("cpu"))
    three = every_layer(one, 3)
    assert three.layer.tolist() == [0, 0, 1, 1, 2, 2]
    assert three.query.tolist() == [2, 5] * 3
