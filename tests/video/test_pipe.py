from __future__ import annotations

import os
import threading

from vidtrack.video.pipe import ReplayedPipe


def test_what_was_read_is_given_again_and_then_what_follows() -> None:
    receiving, sending = os.pipe()
    os.write(sending, b"abcdef")
    pipe = ReplayedPipe(receiving)
    assert pipe.read(4) == b"abcd"
    pipe.rewind()
    assert (pipe.read(3), pipe.read(3), pipe.read(9)) == (b"abc", b"d", b"ef")
    os.close(sending)
    assert pipe.read(1) == b""
    os.close(receiving)


def test_bytes_are_given_as_they_come() -> None:
    receiving, sending = os.pipe()
    threading.Timer(0.05, os.write, (sending, b"a")).start()
    assert ReplayedPipe(receiving).read(1 << 16) == b"a"
    for descriptor in (receiving, sending):
        os.close(descriptor)
