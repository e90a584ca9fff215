from __future__ import annotations

import math

import pytest
import torch
from msgspec.structs import replace

from tests.networks import TINY
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.proposals import best_proposals, prior_boxes

RATIOS = torch.ones(1, 2, 2)


def logits(boxes_cxcywh: list[tuple[float, float, float, float]]) -> torch.Tensor:
    return torch.logit(torch.tensor([boxes_cxcywh]))


def test_priors_in_cells_are_the_same_in_pixels_at_any_resolution() -> None:
    sides = []
    for height, width in ((8, 10), (20, 30)):
        shapes = [(height, width), (height // 2, width // 2)]
        pixels = prior_boxes(shapes, RATIOS, cells=1.5)[..., 2:] * torch.tensor([width * 8.0, height * 8.0])
        sides.append((pixels[0, 0], pixels[0, -1]))
        assert torch.allclose(pixels[0, 0], torch.tensor(12.0))
        assert torch.allclose(pixels[0, -1], torch.tensor(24.0))
    assert torch.equal(prior_boxes([(4, 4)], RATIOS[:, :1])[0, :, 2:], torch.full((16, 2), 0.05))


def test_a_picture_of_one_cell_keeps_its_prior_inside() -> None:
    assert prior_boxes([(1, 1)], RATIOS[:, :1], cells=3.0)[0, 0].tolist() == pytest.approx([0.5, 0.5, 0.9, 0.9])


def test_distinct_proposals_come_first_and_repeated_ones_fill_up() -> None:
    boxes = logits([(0.3, 0.3, 0.2, 0.2), (0.3, 0.301, 0.2, 0.2), (0.7, 0.7, 0.2, 0.2), (0.3, 0.7, 0.2, 0.2)])
    scores = torch.tensor([[0.9, 0.8, 0.3, 0.1]])
    assert best_proposals(scores, boxes, 3).tolist() == [[0, 1, 2]]
    assert best_proposals(scores, boxes, 3, iou=0.8).tolist() == [[0, 2, 3]]
    assert best_proposals(scores, boxes, 9, iou=0.8).tolist() == [[0, 2, 3, 1]]


def test_pictures_of_a_batch_do_not_suppress_each_other() -> None:
    boxes = logits([(0.3, 0.3, 0.2, 0.2), (0.7, 0.7, 0.2, 0.2)]).repeat(2, 1, 1)
    scores = torch.tensor([[0.9, 0.8], [0.2, 0.7]])
    assert best_proposals(scores, boxes, 2, iou=0.5).tolist() == [[0, 1], [1, 0]]


def test_places_without_a_proposal_come_last() -> None:
    boxes = logits([(0.3, 0.3, 0.2, 0.2), (0.7, 0.7, 0.2, 0.2)])
    boxes[0, 0] = math.inf
    assert best_proposals(torch.tensor([[-math.inf, -3.0]]), boxes, 1, iou=0.8).tolist() == [[1]]


def test_a_detector_starts_its_queries_from_distinct_places() -> None:
    torch.manual_seed(0)
    model = DeformableDETR(replace(TINY, proposal_cells=1.8, proposal_iou=0.2)).eval()
    pixels = torch.randn(1, 3, 96, 128)
    with torch.inference_mode():
        memory = model.encode(pixels)
        distinct = model.object_queries(memory)
        model.config = replace(model.config, proposal_iou=1.0)
        assert not torch.equal(distinct.reference, model.object_queries(memory).reference)
    assert len(distinct) == TINY.num_queries


def test_one_stage_models_have_no_proposals_to_choose() -> None:
    with pytest.raises(ValueError, match="two_stage"):
        replace(TINY, two_stage=False, mixed_query_selection=False, proposal_iou=0.8)
