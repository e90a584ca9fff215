"""Images on which a network's ranges are measured before it is quantized."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np

from vidtrack.core.errors import InputError
from vidtrack.model.preprocess import resize_and_pad
from vidtrack.video import VideoReader
from vidtrack.video.images import is_still_image

_IMAGES = 50  # at most, spread over the clip or folder


def calibration_images(source: Path, size: int, max_size: int) -> list[np.ndarray]:
    """RGB images (1, H, W, 3), resized as the model resizes them, of a folder of image files or a clip.

    `size` and `max_size` are the shorter and the longest side in pixels. Raises InputError.
    """
    if not source.is_dir():
        with VideoReader(source) as reader:
            every = -(-(reader.info.frame_count or _IMAGES) // _IMAGES)
            frames = islice(reader, 0, _IMAGES * every, every)
            images = [resize_and_pad([frame.image], size, max_size)[0] for frame in frames]
        if not images:
            raise InputError(f"{source} has no frame that can be decoded", "give another clip")
        return images
    files = sorted(path for path in source.iterdir() if is_still_image(path))
    if not files:
        raise InputError(f"no images in folder {source}", "give a folder of image files, or a clip")
    every = -(-len(files) // _IMAGES)
    return [image for path in files[::every] for image in calibration_images(path, size, max_size)]
