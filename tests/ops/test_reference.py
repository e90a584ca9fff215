"""The reference against the paper's formula, written as loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tests.ops.cases import Case, attention_case, sampling_case
from vidtrack.ops import reference


def bilinear(image: np.ndarray, x: float, y: float) -> np.ndarray:
    """Value (D,) of image (H, W, D) at location (x, y) in [0, 1]; pixels outside are 0."""
    height, width, dim = image.shape
    column, row = x * width - 0.5, y * height - 0.5
    total = np.zeros(dim)
    for i in (math.floor(row), math.floor(row) + 1):
        for j in (math.floor(column), math.floor(column) + 1):
            if 0 <= i < height and 0 <= j < width:
                total += image[i, j] * (1 - abs(row - i)) * (1 - abs(column - j))
    return total


def by_loops(case: Case) -> np.ndarray:
    """deformable_sampling, one sample at a time."""
    value, locations, weights = (tensor.numpy() for tensor in case.tensors)
    batch, _, heads, dim = value.shape
    _, queries, _, levels, points, _ = locations.shape
    output = np.zeros((batch, queries, heads, dim))
    starts = np.cumsum([0] + [h * w for h, w in case.shapes])
    for b, q, m, level, p in np.ndindex(batch, queries, heads, levels, points):
        image = value[b, starts[level] : starts[level + 1], m].reshape(*case.shapes[level], dim)
        x, y = locations[b, q, m, level, p]
        output[b, q, m] += weights[b, q, m, level, p] * bilinear(image, x, y)
    return output.reshape(batch, queries, heads * dim)


def test_sampling_is_the_papers_sum() -> None:
    case = sampling_case(queries=5, channels=3, dtype=torch.float64)
    np.testing.assert_allclose(case.run(reference.deformable_sampling).numpy(), by_loops(case), rtol=0, atol=1e-12)


def test_pixel_offsets_move_the_reference_by_pixels() -> None:
    points = torch.full((1, 1, 1, 2), 0.5)
    offsets = torch.tensor([2.0, -1.0]).view(1, 1, 1, 1, 1, 2)
    locations = reference.sampling_locations([(10, 20)], points, offsets)
    torch.testing.assert_close(locations.flatten(), torch.tensor([0.5 + 2 / 20, 0.5 - 1 / 10]))


def test_box_offsets_move_the_reference_by_half_boxes_over_points() -> None:
    boxes = torch.tensor([0.5, 0.4, 0.2, 0.8]).view(1, 1, 1, 4)
    offsets = torch.tensor([[4.0, -4.0], [1.0, 2.0]]).view(1, 1, 1, 1, 2, 2)  # of two points
    locations = reference.sampling_locations([(10, 20)], boxes, offsets).view(2, 2)
    expected = [[0.5 + 4 / 2 * 0.1, 0.4 - 4 / 2 * 0.4], [0.5 + 1 / 2 * 0.1, 0.4 + 2 / 2 * 0.4]]
    torch.testing.assert_close(locations, torch.tensor(expected))


def test_weights_are_a_softmax_over_levels_and_points() -> None:
    reference_points = torch.full((2, 3, 1, 2), 0.5)
    offsets, logits = torch.zeros(2, 3, 4, 1, 4, 2), torch.randn(2, 3, 4, 1, 4) * 5
    value = torch.ones(2, 64 * 64, 4, 16)
    output = reference.deformable_attention(value, [(64, 64)], reference_points, offsets, logits)
    torch.testing.assert_close(output, torch.ones_like(output))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    case = attention_case(dtype=dtype)
    expected = case.to(torch.float32).run(reference.deformable_attention).to(dtype)
    torch.testing.assert_close(case.run(reference.deformable_attention), expected, rtol=0, atol=0)
