"""Images on which a network's ranges are measured before it is quantized."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from vidtrack.core.errors import InputError
from vidtrack.model.image_inference import read_image
from vidtrack.video import VideoReader
from vidtrack.video.images import is_still_image

IMAGES = 100  # spread over the clip or folder


class _Photo(NamedTuple):
    path: Path
    size: tuple[int, int] = (0, 0)  # of annotations, which it has none of


def calibration_images(source: Path) -> list[np.ndarray]:
    """RGB images (H, W, 3) of a folder of image files, or of a clip; raises InputError or DataError."""
    if source.is_dir():
        files = sorted(path for path in source.iterdir() if is_still_image(path))
        if not files:
            raise InputError(f"no images in folder {source}", "give a folder of JPEG or PNG files, or a clip")
        return [read_image(_Photo(path)) for path in files[:: -(-len(files) // IMAGES)]]
    with VideoReader(source) as reader:
        every = -(-(reader.info.frame_count or IMAGES) // IMAGES)
        return [frame.image for number, frame in enumerate(reader) if number % every == 0][:IMAGES]
