from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests.media import example_frames
from vidtrack.video.jpeg import small_jpeg


@pytest.mark.parametrize(("longer_side", "size"), [(80, (80, 34)), (1000, (160, 68))])
def test_a_jpeg_is_the_image_made_smaller_but_never_larger(longer_side: int, size: tuple[int, int]) -> None:
    image = example_frames(1)[0]
    made = Image.open(io.BytesIO(small_jpeg(image[:, ::-1], longer_side)))  # a view that is not contiguous
    assert (made.format, made.size) == ("JPEG", size)
    expected = Image.fromarray(image[:, ::-1]).resize(size, Image.Resampling.BOX)
    assert np.abs(np.asarray(made, int) - np.asarray(expected, int)).mean() < 4
