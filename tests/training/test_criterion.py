from __future__ import annotations

from dataclasses import replace

import torch

from tests.training.conftest import target
from vidtrack.model.config import DetectorConfig
from vidtrack.model.detector import DeformableDETR
from vidtrack.training.batches import Batch
from vidtrack.training.criterion import Objective, every_layer, hybrid_queries
from vidtrack.training.matcher import Assignment
from vidtrack.training.recipe import LossConfig, TrackConfig


def test_one_to_many_queries_can_be_told_from_object_queries(tiny: DetectorConfig) -> None:
    """On the same proposals; otherwise the decoder learns to give every object several boxes."""
    torch.manual_seed(0)
    model = DeformableDETR(tiny).eval()
    memory = model.encode(torch.randn(1, 3, 64, 96))
    objects, many = model.object_queries(memory), hybrid_queries(model, memory, tiny.num_queries)
    torch.testing.assert_close(objects.reference, many.reference)
    assert (objects.content - many.content).abs().mean() > 0.5


def test_object_queries_learn_the_same_with_and_without_carried_ones(tiny: DetectorConfig) -> None:
    torch.manual_seed(0)
    model = DeformableDETR(tiny).eval()
    images = torch.randint(0, 255, (1, 64, 96, 3), dtype=torch.uint8)
    alone = Batch(images, None, [target([[0.3, 0.4, 0.2, 0.3], [0.7, 0.5, 0.2, 0.4]], [0, 1])])
    objective = Objective(LossConfig(denoising_queries=0), TrackConfig(drop=0.0))
    by_itself = objective(model, alone, 2.0)
    paired = objective(model, replace(alone, previous=alone), 2.0)
    assert {name: value for name, value in paired.items() if not name.startswith("tracks.")} == by_itself
    assert paired["tracks.l1"] > 0


def test_every_layer_repeats_an_assignment() -> None:
    one = Assignment.of(torch.tensor([[0, 1, 2, 3], [0, 0, 5, 1]]).numpy(), torch.device("cpu"))
    three = every_layer(one, 3)
    assert three.layer.tolist() == [0, 0, 1, 1, 2, 2]
    assert three.query.tolist() == [2, 5] * 3
