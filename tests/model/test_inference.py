from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from tests.media import example_frames
from vidtrack.model.batching import DynamicBatcher
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.inference import FrameEncoder

EVERY_CLASS = np.ones(4, dtype=bool)


@pytest.fixture
def four_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def test_the_memory_of_a_frame_is_that_of_the_model_alone(tiny_model: DeformableDETR) -> None:
    encoder, image = FrameEncoder(tiny_model, size=96), example_frames(1)[0]
    pixels, padding = encoder.batch(image)
    assert (tuple(pixels.shape), padding) == ((1, 3, 96, 225), None)  # 160x68 with a shorter side of 96
    expected = tiny_model.detect(tiny_model.encode(*tiny_model.preprocessor(96)([image])), (160, 68), 0.1, EVERY_CLASS)
    found = tiny_model.detect(encoder.encode(pixels, padding), (160, 68), 0.1, EVERY_CLASS)
    np.testing.assert_array_equal(found.boxes_xyxy, expected.boxes_xyxy)
    assert len(found) > 0


@pytest.mark.usefixtures("four_threads")
def test_on_a_cpu_frames_share_the_threads(tiny_model: DeformableDETR) -> None:
    encoder = FrameEncoder(tiny_model)
    assert encoder.workers == 4
    encoder.use_threads()
    assert torch.get_num_threads() == 1
    batched = FrameEncoder(tiny_model, batcher=DynamicBatcher())
    assert batched.workers == 1
