from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from tests.training.conftest import target
from tests.training.test_matcher import edges, plain_giou
from vidtrack.training.batches import Target
from vidtrack.training.losses import set_losses
from vidtrack.training.matcher import Assignment, match
from vidtrack.training.recipe import LossConfig


def official(
    logits: Tensor, boxes: Tensor, targets: list[Target], matched: list[list[tuple[int, int]]]
) -> dict[str, float]:
    """The official criterion on one layer, number by number.

    loss_ce: focal loss, mean over queries, summed over images and classes, over num_boxes, times the number of
    queries; loss_bbox and loss_giou: sums over matched pairs over num_boxes; weights 2, 5, 2.
    """
    batch, queries, classes = logits.shape
    num_boxes = max(1, sum(len(t.labels) for t in targets))
    focal = l1 = overlap = 0.0
    for picture in range(batch):
        label = {query: int(targets[picture].labels[index]) for query, index in matched[picture]}
        for query in range(queries):
            for slot in range(classes):
                p = 1 / (1 + math.exp(-float(logits[picture, query, slot])))
                if label.get(query) == slot:
                    focal += 0.25 * (1 - p) ** 2 * -math.log(p) / queries
                else:
                    focal += 0.75 * p**2 * -math.log(1 - p) / queries
        for query, index in matched[picture]:
            a, b = boxes[picture, query].tolist(), targets[picture].boxes[index].tolist()
            l1 += sum(abs(x - y) for x, y in zip(a, b, strict=True))
            overlap += 1 - plain_giou(edges(a), edges(b))
    return {
        "class": 2 * focal / num_boxes * queries,
        "l1": 5 * l1 / num_boxes,
        "giou": 2 * overlap / num_boxes,
    }


@pytest.fixture
def case() -> tuple[Tensor, Tensor, list[Target]]:
    generator = torch.Generator().manual_seed(11)
    logits = torch.randn(1, 2, 5, 3, generator=generator, dtype=torch.float64)
    boxes = torch.rand(1, 2, 5, 4, generator=generator, dtype=torch.float64) * 0.5 + 0.2
    targets = [
        target([[0.5, 0.5, 0.3, 0.2], [0.2, 0.7, 0.1, 0.4]], [0, 2]),
        target([[0.4, 0.4, 0.3, 0.3]], [1]),
    ]
    return logits, boxes, targets


def rows(assignment: Assignment, targets: list[Target]) -> list[list[tuple[int, int]]]:
    starts = [0, len(targets[0].labels)]
    found: list[list[tuple[int, int]]] = [[], []]
    for picture, query, index in zip(assignment.image, assignment.query, assignment.target, strict=True):
        found[int(picture)].append((int(query), int(index) - starts[int(picture)]))
    return found


def test_equal_to_the_official_criterion(case: tuple[Tensor, Tensor, list[Target]]) -> None:
    logits, boxes, targets = case
    assignment = match(logits, boxes, targets, LossConfig())
    found = set_losses(logits, boxes, targets, assignment, LossConfig(), 3.0)
    expected = official(logits[0], boxes[0], targets, rows(assignment, targets))
    for name, value in expected.items():
        assert found[name].item() == pytest.approx(value, rel=1e-5)


def test_fixed_values(case: tuple[Tensor, Tensor, list[Target]]) -> None:
    """A constant case with round numbers: every logit 0, so each class term is .75 or .25 times .25 ln 2."""
    _, _, targets = case
    logits, boxes = torch.zeros(1, 2, 5, 3), torch.full((1, 2, 5, 4), 0.5)
    assignment = Assignment.of(torch.tensor([[0, 0, 0, 0], [0, 0, 1, 1], [0, 1, 2, 2]]).numpy(), logits.device)
    found = set_losses(logits, boxes, targets, assignment, LossConfig(), 3.0)
    step = 0.25 * math.log(2)
    assert found["class"].item() == pytest.approx(2 * (27 * 0.75 + 3 * 0.25) * step / 3)
    assert found["l1"].item() == pytest.approx(
        5 * ((0.2 + 0.3) + (0.3 + 0.2 + 0.4 + 0.1) + (0.1 + 0.1 + 0.2 + 0.2)) / 3
    )


def test_layers_add_up(case: tuple[Tensor, Tensor, list[Target]]) -> None:
    logits, boxes, targets = case
    one = set_losses(logits, boxes, targets, match(logits, boxes, targets, LossConfig()), LossConfig(), 3.0)
    logits, boxes = logits.repeat(3, 1, 1, 1), boxes.repeat(3, 1, 1, 1)
    three = set_losses(logits, boxes, targets, match(logits, boxes, targets, LossConfig()), LossConfig(), 3.0)
    for name, value in one.items():
        assert three[name].item() == pytest.approx(3 * value.item(), rel=1e-5)


def gradient(targets: list[Target], config: LossConfig, boxes: Tensor | None = None) -> Tensor:
    """Gradient (B, Q, K) of the class loss for logits 0; query 0 is matched to the first object if there is one."""
    logits = torch.zeros(1, len(targets), 3, 3, requires_grad=True)
    boxes = torch.full((1, len(targets), 3, 4), 0.2) if boxes is None else boxes
    given = [[0, p, 0, sum(len(t.labels) for t in targets[:p])] for p, t in enumerate(targets) if len(t.labels)]
    assignment = Assignment.of(torch.tensor(given, dtype=torch.int64).reshape(-1, 4).numpy(), logits.device)
    set_losses(logits, boxes, targets, assignment, config, 1.0)["class"].backward()
    assert logits.grad is not None
    return logits.grad[0]


def test_unlabelled_classes_get_no_negative_loss() -> None:
    partly = gradient([target([[0.5, 0.5, 0.2, 0.2]], [1], labelled=(False, True, False))], LossConfig())[0]
    assert partly[:, [0, 2]].abs().max() == 0
    assert partly[0, 1] < 0
    assert (partly[1:, 1] > 0).all()


def test_exclusive_classes_hold_at_annotated_objects_only() -> None:
    config = LossConfig(exclusive_classes=True)
    found = gradient([target([[0.5, 0.5, 0.2, 0.2]], [1], labelled=(False, True, False))], config)[0]
    assert (found[0, [0, 2]] > 0).all()
    assert found[1:, [0, 2]].abs().max() == 0


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_incomplete_annotation_weighs_the_background(share: float) -> None:
    config = LossConfig(incomplete_negative=share)
    whole = gradient([target([[0.5, 0.5, 0.2, 0.2]], [1])], config)[0]
    partly = gradient([target([[0.5, 0.5, 0.2, 0.2]], [1], complete=False)], config)[0]
    torch.testing.assert_close(partly[1:], whole[1:] * share)
    torch.testing.assert_close(partly[0], whole[0])


def test_a_second_box_on_an_object_counts_in_full_in_incomplete_annotation_too() -> None:
    boxes = torch.tensor([[[[0.5, 0.5, 0.2, 0.2], [0.53, 0.5, 0.2, 0.2], [0.7, 0.5, 0.2, 0.2]]]])
    whole, partly = (
        gradient([target([[0.5, 0.5, 0.2, 0.2]], [1], complete=complete)], LossConfig(incomplete_negative=0.1), boxes)
        for complete in (True, False)
    )
    torch.testing.assert_close(partly[0, :2], whole[0, :2])
    torch.testing.assert_close(partly[0, 2], whole[0, 2] * 0.1)  # beside it: perhaps one that was not annotated


def test_ignored_regions_take_unmatched_boxes_out() -> None:
    boxes = torch.tensor([[[[0.5, 0.5, 0.2, 0.2], [0.25, 0.25, 0.2, 0.2], [0.8, 0.8, 0.2, 0.2]]]])
    found = gradient([target([[0.5, 0.5, 0.2, 0.2]], [1], ignored=[[0.3, 0.3, 0.5, 0.5]])], LossConfig(), boxes)[0]
    assert found[0].abs().min() > 0  # matched, though it overlaps the region
    assert found[1].abs().max() == 0  # inside
    assert found[2].abs().min() > 0  # elsewhere


def test_a_region_of_one_class_spares_that_class_at_its_place() -> None:
    boxes = torch.tensor([[[[0.5, 0.5, 0.2, 0.2], [0.51, 0.5, 0.2, 0.2], [0.5, 0.5, 0.5, 0.5]]]])
    objects = target([[0.5, 0.5, 0.2, 0.2]], [1], ignored=[[0.5, 0.5, 0.2, 0.2]], ignored_labels=[2])
    found = gradient([objects], LossConfig(exclusive_classes=True), boxes)[0]
    assert (found[:2, 2] == 0).all()  # the matched query too: it may be of that class
    assert found[0, 1] < 0 and (found[:, 0] > 0).all() and found[1, 1] > 0
    assert found[2, 2] > 0  # around the region, but not the same box


def test_trust_scales_what_an_object_asks_for() -> None:
    box = [[0.5, 0.5, 0.2, 0.2]]
    half, whole = target(box, [1], trust=[0.5]), target(box, [1])
    ratio = gradient([half], LossConfig())[0, 0, 1] / gradient([whole], LossConfig())[0, 0, 1]
    assert ratio == pytest.approx(0.5)
    logits, boxes = torch.zeros(1, 1, 1, 3), torch.tensor([[[[0.5, 0.5, 0.2, 0.3]]]])
    one = Assignment.of(torch.zeros(1, 4).numpy(), logits.device)
    losses = [set_losses(logits, boxes, [objects], one, LossConfig(), 1.0) for objects in (half, whole)]
    for name in ("l1", "giou"):
        assert losses[0][name].item() == pytest.approx(losses[1][name].item() / 2)


def test_matchability_asks_for_the_overlap_of_the_box() -> None:
    """IoU 2/3 of a box half as high again: a score of (2/3) ** 1.5 is right, and the negatives count p ** 1.5."""
    boxes = torch.tensor([[[[0.5, 0.5, 0.2, 0.3]]]])
    objects, one = [target([[0.5, 0.5, 0.2, 0.2]], [1])], Assignment.of(torch.zeros(1, 4).numpy(), boxes.device)
    config = LossConfig(class_loss="matchability", weight_class=1.0)
    logits = torch.zeros(1, 1, 1, 3, requires_grad=True)
    found = set_losses(logits, boxes, objects, one, config, 1.0)["class"]
    assert found.item() == pytest.approx(math.log(2) * (1 + 2 * 0.5**1.5))
    found.backward()
    assert logits.grad is not None
    assert logits.grad.flatten().tolist() == pytest.approx(
        [0.5 * 0.5**1.5, 0.5 - (2 / 3) ** 1.5, 0.5 * 0.5**1.5], rel=1e-5
    )


def test_a_picture_without_objects_still_teaches_background() -> None:
    assert (gradient([target([], [])], LossConfig()) > 0).all()
