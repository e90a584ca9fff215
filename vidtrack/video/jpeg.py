"""Small JPEGs of frames."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np

_QUALITY = "3"  # of 2 (best) to 31


def small_jpeg(image: np.ndarray, longer_side: int) -> bytes:
    """An image (H, W, 3) uint8 RGB as a JPEG of at most `longer_side` pixels."""
    height, width = image.shape[:2]
    scale = min(1.0, longer_side / max(height, width))
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = max(2, round(width * scale)), max(2, round(height * scale))
    encoder.pix_fmt, encoder.time_base = "yuvj420p", Fraction(1, 25)
    encoder.options = {"qmin": _QUALITY, "qmax": _QUALITY}
    small = frame.reformat(encoder.width, encoder.height, "yuvj420p", interpolation="AREA")
    return b"".join(bytes(packet) for packet in [*encoder.encode(small), *encoder.encode(None)])
