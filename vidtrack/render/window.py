"""A window that shows frames during a run."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from types import TracebackType

import cv2
import numpy as np

from vidtrack.core.errors import UsageError
from vidtrack.core.types import Frame
from vidtrack.render.window_process import HEAD

_LARGEST = 1280, 720  # pixels; larger images are shown smaller
_OPENING_SECONDS = 30.0
_CLOSING_SECONDS = 5.0


class Window:
    """Shows the newest of the frames offered, in a process of its own; it skips frames that come too fast.

    Raises UsageError without a display, or with an OpenCV that has no windows.
    """

    def __init__(self) -> None:
        if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise UsageError("--show needs a display, and there is none", "drop --show, which changes no output")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "vidtrack.render.window_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C interrupts the run, which then closes the window
        )
        self._news = threading.Condition()
        self._newest: np.ndarray | None = None
        self._closing = False
        self._await_opening()
        threading.Thread(target=self._send, name="vidtrack-window", daemon=True).start()

    @property
    def is_open(self) -> bool:
        """False once it is closed, by Q or Escape too."""
        return self._process.poll() is None

    def offer(self, frame: Frame) -> None:
        """Show a frame, from any thread, unless a newer one comes first."""
        with self._news:
            self._newest = frame.image
            self._news.notify()

    def close(self) -> None:
        """Close the window; safe to call twice."""
        with self._news:
            self._closing = True
            self._news.notify()
        try:
            self._process.wait(_CLOSING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Window:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _await_opening(self) -> None:
        assert self._process.stdout is not None and self._process.stderr is not None
        giving_up = threading.Timer(_OPENING_SECONDS, self._process.kill)
        giving_up.start()
        opened = self._process.stdout.readline()
        giving_up.cancel()
        if opened:
            threading.Thread(target=self._process.stderr.read, daemon=True).start()  # else Qt's messages fill the pipe
            return
        said = self._process.stderr.read().decode(errors="replace")
        self._process.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self.close()
        if "not implemented" in said or "no attribute" in said:
            raise UsageError(
                "--show needs an OpenCV with windows", "pip uninstall opencv-python-headless; pip install opencv-python"
            )
        raise UsageError("--show cannot open a window on this display", "drop --show, which changes no output")

    def _send(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        with contextlib.suppress(OSError), pipe:  # the window was closed
            while True:
                with self._news:
                    self._news.wait_for(lambda: self._newest is not None or self._closing)
                    image, self._newest = self._newest, None
                if image is None:
                    return
                shown = _fitting(image)
                pipe.write(HEAD.pack(shown.shape[1], shown.shape[0]) + shown.tobytes())
                pipe.flush()


def _fitting(image: np.ndarray) -> np.ndarray:
    """An 8-bit image no larger than the window."""
    shallow = image if image.dtype == np.uint8 else (image >> 8).astype(np.uint8)
    scale = min(1.0, _LARGEST[0] / image.shape[1], _LARGEST[1] / image.shape[0])
    return shallow if scale == 1 else cv2.resize(shallow, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
