"""Frames of cameras and streams, from servers on this machine."""

from __future__ import annotations

import http.server
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import numpy as np
import pytest

from tests.media import EXAMPLE_CLIP
from tests.video.serving import rtsp_camera, serving
from vidtrack.core.errors import InputError
from vidtrack.video import LiveReader, ReadConfig, VideoReader
from vidtrack.video.live_source import LiveSource, live_source


@pytest.fixture(scope="module")
def transport_stream(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """One second of video as cameras send it."""
    target = tmp_path_factory.mktemp("live") / "a.ts"
    options = ["-c:v", "mpeg2video", "-g", "5", "-bf", "0", "-f", "mpegts"]
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=25:duration=1"]
    subprocess.run([*command, *options, str(target)], check=True)
    return target.read_bytes()


@contextmanager
def camera(stream: bytes, connections: int) -> Iterator[LiveSource]:
    """A camera on the web that sends a second of video, breaks off, and after some connections is gone."""
    served = 0

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        nonlocal served
        served += 1
        if served > connections:
            request.send_error(503)
            return
        request.send_response(200)
        request.end_headers()
        step = len(stream) // 20
        for start in range(0, len(stream), step):
            request.wfile.write(stream[start : start + step])
            time.sleep(0.05)

    with serving(answer) as address:
        source = live_source(f"{address}/stream.cgi")
        assert source is not None
        yield source


def test_a_broken_connection_is_made_again_and_time_goes_on(transport_stream: bytes) -> None:
    with camera(transport_stream, 3) as source, LiveReader(source, reconnect_seconds=2) as reader:
        assert (reader.info.size, reader.info.duration_seconds, reader.info.frame_count) == ((160, 120), None, None)
        frames = list(reader)
    times = [float(frame.seconds) for frame in frames]
    assert times == sorted(set(times)) and times[0] < 0.5
    assert times[-1] > 1.0  # into the second connection
    assert len(frames) > 10 and frames[0].image.shape == (120, 160, 3)
    said = [problem.message for problem in reader.problems]
    assert any("connected again" in text for text in said)
    assert any("no frame for 2 s" in text for text in said)


def test_a_slow_taker_gets_the_newest_frame(transport_stream: bytes) -> None:
    with camera(transport_stream, 2) as source, LiveReader(source, reconnect_seconds=0) as reader:
        frames = []
        for frame in reader:
            frames.append(frame)
            time.sleep(0.3)
    steps = np.diff([frame.index for frame in frames])
    assert len(frames) < 10 and steps.max() > 1
    assert any("dropped to keep up" in problem.message for problem in reader.problems)


def test_the_end_time_and_stop_end_it(transport_stream: bytes) -> None:
    config = ReadConfig(end_seconds=Fraction(1, 2))
    with camera(transport_stream, 9) as source, LiveReader(source, config) as reader:
        assert all(frame.seconds < Fraction(1, 2) for frame in reader)
    with camera(transport_stream, 9) as source, LiveReader(source) as reader:
        for number, _ in enumerate(reader):
            if number == 3:
                reader.stop()
    assert number < 20


def test_a_camera_that_is_not_there_is_one_line() -> None:
    for text, hint in (("/dev/video63", "camera"), ("rtsp://127.0.0.1:9/cam", "address")):
        source = live_source(text)
        assert source is not None
        with pytest.raises(InputError) as caught:
            LiveReader(source)
        assert text in str(caught.value) and hint in str(caught.value)


def test_frames_come_from_an_rtsp_server() -> None:
    with rtsp_camera(EXAMPLE_CLIP) as address:
        source = live_source(address)
        assert source is not None
        with LiveReader(source, ReadConfig(end_seconds=Fraction(2))) as reader:
            frames = list(reader)
    assert reader.info.size == (640, 272) and reader.info.codec == "h264"
    assert len(frames) > 5
    with VideoReader(EXAMPLE_CLIP) as clip:
        known = next(iter(clip)).image.astype(int)
    assert min(np.abs(frame.image - known).mean() for frame in frames) < 12  # the clip's first shot, not noise
