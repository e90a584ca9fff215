"""The process behind `Window`: shows images from standard input until it ends or the window is closed.

It imports only OpenCV, which hangs in a process that has loaded PyAV, whose wheels contain another libxcb.
"""

from __future__ import annotations

import struct
import sys
import threading

import cv2
import numpy as np

HEAD = struct.Struct("<II")  # width, height; then the image as RGB
_ENDING_KEYS = frozenset({27, ord("q"), ord("Q")})  # Q: Caps Lock
_TITLE = "vidtrack"
_WAIT_MS = 15


class _Newest:
    """The newest complete image from the pipe."""

    def __init__(self) -> None:
        self.image: np.ndarray | None = None
        self.over = threading.Event()

    def receive(self) -> None:
        stream = sys.stdin.buffer
        while len(head := stream.read(HEAD.size)) == HEAD.size:
            width, height = HEAD.unpack(head)
            data = stream.read(width * height * 3)
            if len(data) < width * height * 3:
                break
            self.image = np.frombuffer(data, np.uint8).reshape(height, width, 3)[..., ::-1]
        self.over.set()


def main() -> None:
    """Open the window, report that on standard output, and show images."""
    cv2.namedWindow(_TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)  # no toolbar
    print("open", flush=True)
    newest, sized = _Newest(), False
    threading.Thread(target=newest.receive, daemon=True).start()
    while not newest.over.is_set():
        image, newest.image = newest.image, None
        if image is not None:
            if not sized:
                cv2.resizeWindow(_TITLE, image.shape[1], image.shape[0])
                sized = True
            cv2.imshow(_TITLE, np.ascontiguousarray(image))
        if cv2.waitKey(_WAIT_MS) & 0xFF in _ENDING_KEYS:
            return
        if sized and cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) < 1:
            return


if __name__ == "__main__":
    main()
