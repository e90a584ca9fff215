from __future__ import annotations

import torch

from vidtrack.model.encoder import cell_centres, grid_references

SHAPES = ((2, 4), (1, 2))


def test_centres_of_cells_are_shares_of_the_image_without_its_padding() -> None:
    whole, narrow = cell_centres(SHAPES, torch.tensor([[[1.0, 1.0]] * 2, [[0.5, 1.0]] * 2]))[0]
    assert whole[:4].tolist() == [[0.125, 0.25], [0.375, 0.25], [0.625, 0.25], [0.875, 0.25]]
    assert whole[4:, 1].tolist() == [0.75] * 4
    assert narrow[:4, 0].tolist() == [0.25, 0.75, 1.25, 1.75]  # the image fills the left half


def test_each_token_refers_to_its_own_place_on_every_level() -> None:
    ratios = torch.tensor([[[0.5, 1.0], [1.0, 1.0]]])  # differ by rounding of the levels' sizes
    references = grid_references(SHAPES, ratios)
    assert references.shape == (1, 10, 2, 2)
    assert references[0, 0].tolist() == [[0.125, 0.25], [0.25, 0.25]]
    assert references[0, 9].tolist() == [[0.375, 0.5], [0.75, 0.5]]
