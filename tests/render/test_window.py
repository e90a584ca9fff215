"""The window, on a virtual display; input goes through the X server as a person's would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.media import Clip, write_clip
from vidtrack import TrackLog
from vidtrack.core.errors import UsageError
from vidtrack.core.types import Frame
from vidtrack.render.window import Window


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An X server without a screen; yields its DISPLAY."""
    if shutil.which("Xvfb") is None or shutil.which("xdotool") is None:
        pytest.skip("needs Xvfb and xdotool")
    receiving, sending = os.pipe()
    command = ["Xvfb", "-displayfd", str(sending), "-screen", "0", "1280x800x24"]
    server = subprocess.Popen(command, pass_fds=[sending], stderr=subprocess.DEVNULL)
    os.close(sending)
    with os.fdopen(receiving) as number:
        monkeypatch.setenv("DISPLAY", f":{number.readline().strip()}")
    try:
        yield os.environ["DISPLAY"]
    finally:
        server.terminate()
        server.wait()


def frame(grey: int) -> Frame:
    return Frame(0, 0, Fraction(1, 25), np.full((1080, 1920, 3), grey, np.uint8))


def until(true: Callable[[], bool], seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.1)
    return False


def xdotool(*arguments: str) -> str:
    return subprocess.run(["xdotool", *arguments], capture_output=True, text=True, check=False).stdout.strip()


def test_a_window_appears_with_the_frames_and_closes(display: str) -> None:
    with Window() as window:
        window.offer(frame(200))
        assert until(lambda: "WIDTH=1280" in xdotool("search", "--name", "^vidtrack$", "getwindowgeometry", "--shell"))
        assert window.is_open
    assert not window.is_open
    assert xdotool("search", "--name", "^vidtrack$") == ""


@pytest.mark.parametrize("key", ["q", "Escape"])
def test_a_key_closes_it(display: str, key: str) -> None:
    with Window() as window:
        window.offer(frame(100))
        assert until(lambda: bool(xdotool("search", "--name", "^vidtrack$")))

        def press() -> bool:
            xdotool("search", "--name", "^vidtrack$", "windowfocus", "key", key)
            return not window.is_open

        assert until(press)
        window.offer(frame(0))  # which nobody sees


def test_without_a_display_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match="needs a display"):
        Window()


@pytest.mark.skipif(sys.platform != "linux", reason="X11")
def test_a_display_that_does_not_answer_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":4711")
    with pytest.raises(UsageError, match="cannot open a window"):
        Window()


def test_q_ends_a_run_and_keeps_what_is_done(display: str, tiny_checkpoint: Path, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=2000))
    log = tmp_path / "clip.tracks.jsonl"
    command = [sys.executable, "-m", "vidtrack", "detect", clip, "--show", "-m", tiny_checkpoint]
    with subprocess.Popen([*map(str, command)], stderr=subprocess.PIPE, text=True) as run:

        def press() -> bool:
            if "WIDTH=160" in xdotool("search", "--name", "^vidtrack$", "getwindowgeometry", "--shell"):
                xdotool("search", "--name", "^vidtrack$", "windowfocus", "key", "q")
            return run.poll() is not None

        ended = until(press, 90)
        run.kill()
        assert run.stderr is not None
        said = run.stderr.read()
    assert ended and run.returncode == 130, said
    assert "Traceback" not in said
    written = TrackLog.load(log)
    assert written.status == "interrupted" and 0 < len(written) < 2000
