from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.training.conftest import target
from vidtrack.model.config import DetectorConfig
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.outputs import DetectorOutput
from vidtrack.training.matcher import Assignment
from vidtrack.training.recipe import TrackConfig
from vidtrack.training.tracks import CarriedQueries, carry_queries

BEFORE = [
    target([[0.2, 0.2, 0.1, 0.1], [0.5, 0.5, 0.1, 0.1], [0.8, 0.8, 0.1, 0.1]], [0, 1, 2], ids=[7, 8, 9]),
    target([[0.3, 0.3, 0.1, 0.1]], [0], ids=[4]),
]
NOW = [  # 8 has left, 11 is new, the order has changed
    target([[0.8, 0.8, 0.1, 0.1], [0.4, 0.4, 0.1, 0.1], [0.2, 0.2, 0.1, 0.1]], [2, 0, 0], ids=[9, 11, 7]),
    target([[0.3, 0.3, 0.1, 0.1]], [0], ids=[4]),
]
MATCHED = Assignment.of(np.array([[0, 0, 5, 0], [0, 0, 2, 1], [0, 0, 9, 2], [0, 1, 3, 3]]), torch.device("cpu"))


@pytest.fixture(scope="module")
def output(tiny: DetectorConfig) -> DetectorOutput:
    generator = torch.Generator().manual_seed(0)
    return DetectorOutput(
        torch.randn(2, 2, 12, 3, generator=generator),
        torch.rand(2, 2, 12, 4, generator=generator),
        torch.randn(2, 12, 32, generator=generator),
    )


def carry(tiny: DetectorConfig, output: DetectorOutput, seed: int = 0, **config: float) -> CarriedQueries | None:
    settings = TrackConfig(**{"drop": 0.0, "false": 0.0, **config})  # type: ignore[arg-type]
    model = DeformableDETR(tiny)
    return carry_queries(model, output, MATCHED, BEFORE, NOW, settings, np.random.default_rng(seed))


def test_identities_keep_their_queries(tiny: DetectorConfig, output: DetectorOutput) -> None:
    carried = carry(tiny, output)
    assert carried is not None
    assert carried.queries.content.shape == (2, 3, 32)
    expected = {(0, 5): 2, (0, 9): 0, (1, 3): 3}  # (image, query before): object now, counted over the batch
    found = {}
    for picture, slot, index in zip(
        carried.assignment.image, carried.assignment.query, carried.assignment.target, strict=True
    ):
        content = carried.queries.content[picture, slot]
        query = int((output.embeddings[picture] - content).abs().sum(-1).argmin())
        torch.testing.assert_close(content, output.embeddings[picture, query])
        torch.testing.assert_close(carried.queries.reference[picture, slot], output.boxes[-1, picture, query])
        found[int(picture), query] = int(index)
    assert found == expected


def test_false_queries_are_of_unmatched_ones_and_own_nothing(tiny: DetectorConfig, output: DetectorOutput) -> None:
    carried = carry(tiny, output, false=1.0)
    assert carried is not None
    assert carried.queries.content.shape[1] == 6
    assert len(carried.assignment) == 3
    own = {(int(p), int(q)) for p, q in zip(carried.assignment.image, carried.assignment.query, strict=True)}
    for picture in range(2):
        matched = {int(q) for p, q in zip(MATCHED.image, MATCHED.query, strict=True) if p == picture}
        for slot in range(6):
            query = int((output.embeddings[picture] - carried.queries.content[picture, slot]).abs().sum(-1).argmin())
            if (picture, slot) in own:
                assert query in matched
            elif picture == 1:
                assert query not in matched


def test_a_picture_may_have_an_object_for_every_query(tiny: DetectorConfig, output: DetectorOutput) -> None:
    few = DetectorOutput(output.logits[:, :, :3], output.boxes[:, :, :3], output.embeddings[:, :3])
    matched = Assignment.of(np.array([[0, 0, 0, 0], [0, 0, 2, 1], [0, 0, 1, 2], [0, 1, 0, 3]]), torch.device("cpu"))
    config, rng = TrackConfig(drop=0.0, false=1.0), np.random.default_rng(0)
    carried = carry_queries(DeformableDETR(tiny), few, matched, BEFORE, NOW, config, rng)
    assert carried is not None
    assert (carried.queries.content.shape[1], len(carried.assignment)) == (6, 3)


def test_some_queries_are_dropped(tiny: DetectorConfig, output: DetectorOutput) -> None:
    several = [carry(tiny, output, seed, drop=0.5) for seed in range(10)]
    assert {0 if carried is None else len(carried.assignment) for carried in several} >= {1, 2}
    assert carry(tiny, output, drop=1.0) is None


def test_noise_moves_carried_boxes_but_not_their_content(tiny: DetectorConfig, output: DetectorOutput) -> None:
    exact, noisy = carry(tiny, output), carry(tiny, output, box_noise=0.5)
    assert exact is not None
    assert noisy is not None
    torch.testing.assert_close(noisy.queries.content, exact.queries.content)
    moved = (noisy.queries.reference - exact.queries.reference).abs()[..., :2]
    assert (moved > 0).all()
    assert (moved <= 0.25 * exact.queries.reference[..., 2:] + 1e-6).all()


def test_carried_queries_pass_no_gradient_to_the_frame_before(tiny: DetectorConfig, output: DetectorOutput) -> None:
    leaf = output.embeddings.clone().requires_grad_()
    carried = carry(tiny, DetectorOutput(output.logits, output.boxes, leaf))
    assert carried is not None
    assert not carried.queries.content.requires_grad
