from __future__ import annotations

import pytest

from vidtrack.model.preprocess import target_size


@pytest.mark.parametrize(
    ("original", "resized"),
    [
        ((640, 480), (1066, 800)),  # of the COCO image 39769, published with the weights
        ((480, 640), (800, 1066)),
        ((500, 500), (800, 800)),
        ((1920, 1080), (1333, 750)),
        ((4000, 300), (1333, 100)),
        ((8000, 2), (1333, 1)),  # 0 x 0 in DETR
    ],
)
def test_sizes_are_rounded_as_in_detr(original: tuple[int, int], resized: tuple[int, int]) -> None:
    """The figures of DETR's `get_size_with_aspect_ratio` at 800 and 1333."""
    assert target_size(*original, 800, 1333) == resized
