from __future__ import annotations

import math

import torch

from vidtrack.model.position import box_encoding, full_grid_encoding, sine_encoding


def test_a_grid_is_encoded_by_the_centres_of_its_cells_y_before_x() -> None:
    found = sine_encoding(torch.zeros(1, 2, 4, dtype=torch.bool), 8)[0].unflatten(0, (2, 4))  # (y, x, 8)
    for row in range(2):
        for column in range(4):
            for half, share in ((0, (row + 0.5) / 2), (4, (column + 0.5) / 4)):
                angle = 2 * math.pi * share
                expected = [math.sin(angle), math.cos(angle), math.sin(angle / 100), math.cos(angle / 100)]
                torch.testing.assert_close(
                    found[row, column, half : half + 4], torch.tensor(expected), atol=1e-5, rtol=0
                )


def test_padding_takes_no_part_in_the_positions() -> None:
    padding = torch.zeros(1, 3, 6, dtype=torch.bool)
    padding[:, 2:], padding[:, :, 4:] = True, True
    padded = sine_encoding(padding, 8)[0].unflatten(0, (3, 6))[:2, :4]
    alone = full_grid_encoding(2, 4, 8, torch.device("cpu"))[0].unflatten(0, (2, 4))
    torch.testing.assert_close(padded, alone)


def test_boxes_are_encoded_value_by_value() -> None:
    boxes = torch.tensor([[0.25, 0.5, 0.75, 1.0]])
    found = box_encoding(boxes, 4)
    assert found.shape == (1, 16)
    angle = 2 * math.pi * 0.25
    torch.testing.assert_close(
        found[0, :4], torch.tensor([math.sin(angle), math.cos(angle), math.sin(angle / 100), math.cos(angle / 100)])
    )
