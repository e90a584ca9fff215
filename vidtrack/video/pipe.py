"""A pipe that FFmpeg opens twice: to probe it, and to read it."""

from __future__ import annotations

import os


class ReplayedPipe:
    """Reads a file descriptor as its bytes come; `rewind` repeats what was read before it.

    Unbuffered: a thread that waits for a silent pipe would hold a buffer's lock forever.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._head, self._place, self._keeping, self._broken = bytearray(), 0, True, False

    def rewind(self) -> None:
        """Start over; from now on nothing is kept."""
        self._place, self._keeping = 0, False

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; empty at the end."""
        if not self._keeping and self._place < len(self._head):
            piece = bytes(self._head[self._place : self._place + size])
            self._place += len(piece)
            return piece
        if self._broken:
            return b""
        try:
            piece = os.read(self._descriptor, size)
        except BaseException:  # an interrupt, after which FFmpeg would read again and block
            self._broken = True
            raise
        if self._keeping:
            self._head += piece
        return piece
