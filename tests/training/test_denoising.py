from __future__ import annotations

import numpy as np
import torch

from tests.training.conftest import target
from vidtrack.core.boxes import cxcywh_to_xyxy, pairwise_iou
from vidtrack.model.config import DetectorConfig
from vidtrack.model.detector import DeformableDETR
from vidtrack.training.denoising import denoising_queries, group_mask
from vidtrack.training.recipe import LossConfig

TARGETS = [
    target([[0.3, 0.3, 0.2, 0.2], [0.7, 0.6, 0.3, 0.2]], [0, 2]),
    target([[0.5, 0.5, 0.2, 0.4]], [1]),
    target([], []),
]


def test_positives_lie_on_their_objects_and_negatives_do_not(tiny: DetectorConfig) -> None:
    config = LossConfig(denoising_queries=16, denoising_box_noise=0.3)
    cpu = torch.device("cpu")
    found = denoising_queries(DeformableDETR(tiny), TARGETS, config, np.random.default_rng(0), cpu)
    assert found is not None
    assert found.group_size == 4
    assert found.queries.reference.shape == (3, 16, 4)
    assert len(found.assignment) == 4 * 3  # four groups, three objects
    assert found.queries.content.requires_grad
    wanted = torch.cat([t.boxes for t in TARGETS])
    references = found.queries.reference.detach()
    positive = references[found.assignment.image, found.assignment.query]
    overlap = np.diag(
        pairwise_iou(cxcywh_to_xyxy(positive.numpy()), cxcywh_to_xyxy(wanted[found.assignment.target].numpy()))
    )
    assert overlap.min() > 0.4
    used = {(int(p), int(q)) for p, q in zip(found.assignment.image, found.assignment.query, strict=True)}
    negative = [q for q in range(16) if (1, q) not in used]
    away = pairwise_iou(cxcywh_to_xyxy(references[1, negative].numpy()), cxcywh_to_xyxy(TARGETS[1].boxes.numpy()))
    assert away.mean() < overlap.mean() - 0.2


def test_nothing_to_disturb(tiny: DetectorConfig) -> None:
    empty = [target([], [])]
    config = LossConfig(denoising_queries=16)
    assert denoising_queries(DeformableDETR(tiny), empty, config, np.random.default_rng(0), torch.device("cpu")) is None


def test_group_mask() -> None:
    mask = group_mask([(2, False), (1, False), (1, True), (1, True)], torch.device("cpu"))
    assert mask is not None
    assert (~mask).int().tolist() == [
        [1, 1, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [0, 0, 1, 0, 0],
        [1, 1, 0, 1, 0],
        [1, 1, 0, 0, 1],
    ]
    assert group_mask([(5, False)], torch.device("cpu")) is None
