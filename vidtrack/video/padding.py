"""Images prepared for swscale: even sizes, and readable memory after the last pixel."""

from __future__ import annotations

import numpy as np

MARGIN_BYTES = 64  # as much as FFmpeg leaves after memory of its own


def with_margin(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A copy of an image (H, W, C) as large as `size` (width, height), its last row and column repeated.

    A margin of memory follows the last pixel: unless the width is a multiple of 32, swscale's vector code reads there.
    """
    (width, height), (own_height, own_width, channels) = size, image.shape
    count = height * width * channels
    padded = np.empty(count + MARGIN_BYTES, image.dtype)[:count].reshape(height, width, channels)
    padded[:own_height, :own_width] = image
    padded[own_height:, :own_width] = image[-1:]
    padded[:, own_width:] = padded[:, own_width - 1 : own_width]
    return padded


def padded_size(size: tuple[int, int], pixel_format: str) -> tuple[int, int]:
    """The (width, height) encoded for an image: rounded up to even if chroma is subsampled, and for ProRes."""
    width, height = size
    return (width + width % 2, height + height % 2) if pixel_format.startswith(("yuv4", "yuva4")) else size
