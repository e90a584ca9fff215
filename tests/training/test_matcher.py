from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from tests.training.conftest import target
from vidtrack.core.errors import VidtrackError
from vidtrack.training.matcher import cheapest, giou, match, to_xyxy
from vidtrack.training.recipe import LossConfig


def plain_giou(a: list[float], b: list[float]) -> float:
    """Generalised IoU of two xyxy boxes from its definition."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    overlap = width * height
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - overlap
    hull = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    return overlap / union - (hull - union) / hull


def edges(box: list[float]) -> list[float]:
    return [box[0] - box[2] / 2, box[1] - box[3] / 2, box[0] + box[2] / 2, box[1] + box[3] / 2]


def plain_cost(logits: list[float], box: list[float], label: int, wanted: list[float]) -> float:
    """The official matcher's cost of one query for one object: 2 * class + 5 * L1 + 2 * (-GIoU)."""
    p = 1 / (1 + math.exp(-logits[label]))
    absent = 0.75 * p**2 * -math.log(1 - p + 1e-8)
    present = 0.25 * (1 - p) ** 2 * -math.log(p + 1e-8)
    distance = sum(abs(x - y) for x, y in zip(box, wanted, strict=True))
    return 2 * (present - absent) + 5 * distance - 2 * plain_giou(edges(box), edges(wanted))


def test_giou_against_its_definition() -> None:
    boxes = torch.rand(6, 4, dtype=torch.float64).add(0.05)
    found = giou(to_xyxy(boxes)[:, None], to_xyxy(boxes)[None])
    for i, j in itertools.product(range(6), range(6)):
        assert found[i, j].item() == pytest.approx(plain_giou(edges(boxes[i].tolist()), edges(boxes[j].tolist())))


def test_matching_is_the_cheapest_of_all() -> None:
    torch.manual_seed(4)
    logits, boxes = torch.randn(2, 2, 4, 3), torch.rand(2, 2, 4, 4) * 0.5 + 0.2
    targets = [
        target([[0.5, 0.5, 0.3, 0.2], [0.2, 0.7, 0.1, 0.4], [0.6, 0.3, 0.2, 0.2]], [0, 2, 1]),
        target([[0.4, 0.4, 0.3, 0.3]], [1]),
    ]
    found = match(logits, boxes, targets, LossConfig())
    for layer, picture in itertools.product(range(2), range(2)):
        own = (found.layer == layer) & (found.image == picture)
        start = 3 * picture
        chosen = {int(t) - start: int(q) for q, t in zip(found.query[own], found.target[own], strict=True)}
        wanted = targets[picture]

        def total(queries: tuple[int, ...], layer: int = layer, picture: int = picture) -> float:
            return sum(
                plain_cost(
                    logits[layer, picture, query].tolist(),
                    boxes[layer, picture, query].tolist(),
                    int(targets[picture].labels[index]),
                    targets[picture].boxes[index].tolist(),
                )
                for index, query in enumerate(queries)
            )

        best = min(itertools.permutations(range(4), len(wanted.labels)), key=total)
        assert tuple(chosen[index] for index in range(len(wanted.labels))) == best


def test_one_to_many_uses_every_object_that_often_and_no_query_twice() -> None:
    torch.manual_seed(0)
    logits, boxes = torch.randn(1, 1, 10, 3), torch.rand(1, 1, 10, 4)
    found = match(logits, boxes, [target([[0.5, 0.5, 0.2, 0.2], [0.2, 0.2, 0.1, 0.1]], [0, 1])], LossConfig(), repeat=3)
    assert torch.bincount(found.target).tolist() == [3, 3]
    assert len(found.query.unique()) == 6


@pytest.mark.parametrize(("queries", "objects", "times"), [(400, 5, 4), (40, 9, 3), (7, 7, 1), (6, 9, 1)])
def test_leaving_out_dear_rows_changes_nothing(queries: int, objects: int, times: int) -> None:
    cost = np.random.default_rng(queries).normal(size=(queries, objects))
    row, column = cheapest(cost, times)
    whole = np.tile(cost, (1, times))
    assert cost[row, column].sum() == pytest.approx(whole[linear_sum_assignment(whole)].sum())
    assert len(set(row)) == len(row) == min(queries, objects * times)


def test_no_objects_at_all() -> None:
    assert len(match(torch.zeros(2, 1, 3, 3), torch.rand(2, 1, 3, 4), [target([], [])], LossConfig())) == 0


def test_divergence_has_a_name() -> None:
    logits = torch.full((1, 1, 3, 3), float("nan"))
    with pytest.raises(VidtrackError, match="diverged"):
        match(logits, torch.rand(1, 1, 3, 4), [target([[0.5, 0.5, 0.2, 0.2]], [0])], LossConfig())
