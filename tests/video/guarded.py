"""Images whose margin ends where memory does, converted by swscale: reading on past it ends the process."""

from __future__ import annotations

import ctypes
import mmap
import sys

import av
import numpy as np

from vidtrack.video.padding import MARGIN_BYTES

_PROT_NONE = 0


def guarded(shape: tuple[int, int, int], margin: int) -> np.ndarray:
    """uint8 memory of this shape with `margin` bytes between it and a page that must not be read."""
    size = shape[0] * shape[1] * shape[2] + margin
    readable = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
    pages = mmap.mmap(-1, readable + mmap.PAGESIZE)
    guard = ctypes.addressof(ctypes.c_char.from_buffer(pages, readable))
    assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(guard), ctypes.c_size_t(mmap.PAGESIZE), _PROT_NONE) == 0
    start = readable - size
    return np.frombuffer(pages, np.uint8, size - margin, start).reshape(shape)


if __name__ == "__main__":
    margin = MARGIN_BYTES if sys.argv[1:] == ["margin"] else 0
    for width in range(2, 130, 2):
        frame = av.VideoFrame.from_numpy_buffer(guarded((4, width, 3), margin), "rgb24")
        frame.reformat(format="yuv420p", threads=1)
