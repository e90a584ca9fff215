"""Ctrl-C on live sources: whole files and exit code 0, as the guide promises."""

from __future__ import annotations

import http.server
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.media import EXAMPLE_CLIP, Clip, write_clip
from tests.video.serving import rtsp_camera, serving
from vidtrack import TrackLog
from vidtrack.video import VideoReader, probe

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")


@contextmanager
def endless_camera(folder: Path) -> Iterator[str]:
    """A camera on the web that sends until nobody listens."""
    clip = write_clip(folder / "source.ts", Clip(frames=50)).read_bytes()
    step = len(clip) // 20

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        try:
            for start in itertools.cycle(range(0, len(clip), step)):
                request.wfile.write(clip[start : start + step])
                time.sleep(0.05)
        except OSError:
            pass

    with serving(answer) as address:
        yield f"{address}/stream.cgi"


def interrupted(arguments: Sequence[object], log: Path, standard_input: int | None = None) -> tuple[int, str]:
    """Exit code and talk of `vidtrack detect` after Ctrl-C, once the log is being written."""
    command = [sys.executable, "-m", "vidtrack", "detect", *map(str, arguments)]
    with subprocess.Popen(command, stdin=standard_input, stderr=subprocess.PIPE, text=True) as process:
        partial = log.with_name(f"{log.name}.partial")
        until = time.monotonic() + 90
        while process.poll() is None and time.monotonic() < until:
            if partial.exists() and partial.read_text().count('"type":"frame"') > 3:
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        try:
            _, said = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return process.returncode, said


def assert_whole(code: int, said: str, log: Path, video: Path) -> None:
    """The run ended well, and both files are complete and of one length."""
    assert code == 0, said
    assert "Traceback" not in said
    written = TrackLog.load(log)
    assert (written.status, len(written) > 3) == ("complete", True)
    with VideoReader(video) as reader:
        assert sum(1 for _ in reader) == len(written)
    assert not list(log.parent.glob("*.partial*"))


def test_ctrl_c_ends_a_stream_with_whole_files_and_exit_code_0(tiny_checkpoint: Path, tmp_path: Path) -> None:
    log, video = tmp_path / "cam.tracks.jsonl", tmp_path / "cam.mp4"
    with endless_camera(tmp_path) as address:
        code, said = interrupted([address, "-m", tiny_checkpoint, "-o", video], log)
    assert_whole(code, said, log, video)
    assert probe(video).size == (160, 68)


@pytest.mark.slow
def test_ctrl_c_ends_an_rtsp_camera(tiny_checkpoint: Path, tmp_path: Path) -> None:
    log, video = tmp_path / "cam.tracks.jsonl", tmp_path / "cam.mp4"
    with rtsp_camera(EXAMPLE_CLIP) as address:
        code, said = interrupted([address, "-m", tiny_checkpoint, "-o", video], log)
    assert_whole(code, said, log, video)
    assert probe(video).size == (640, 272)


def test_ctrl_c_ends_a_pipe_that_has_fallen_silent(tiny_checkpoint: Path, tmp_path: Path) -> None:
    data = write_clip(tmp_path / "source.ts", Clip(frames=100, size=(320, 136))).read_bytes()
    receiving, sending = os.pipe()
    threading.Thread(target=os.write, args=(sending, data), daemon=True).start()  # and nothing more
    log = tmp_path / "out.jsonl"
    code, said = interrupted(["-", "--live", "-m", tiny_checkpoint, "-o", log], log, receiving)
    os.close(receiving)
    os.close(sending)
    assert code == 0, said
    assert TrackLog.load(log).status == "complete"
    assert "Traceback" not in said and "Fatal" not in said
