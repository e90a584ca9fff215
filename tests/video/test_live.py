"""Cameras, streams and files on the web: what is taken for what, and reading them from local servers."""

from __future__ import annotations

import http.server
import io
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.conftest import Ended, assert_one_line
from tests.media import EXAMPLE_CLIP
from vidtrack.core.errors import InputError, OutputError, UsageError
from vidtrack.video import LiveReader, ReadConfig, VideoReader
from vidtrack.video.live_source import LiveSource, is_web_file, live_source, without_password
from vidtrack.video.web_file import copy_pipe, download

_SERVER = """
import sys, gi
gi.require_version("Gst", "1.0"); gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer
Gst.init(None)
class Factory(GstRtspServer.RTSPMediaFactory):
    def do_create_element(self, url):
        source = f"filesrc location={sys.argv[1]} ! qtdemux ! h264parse config-interval=1"
        return Gst.parse_launch(f"( {source} ! rtph264pay name=pay0 pt=96 )")
server = GstRtspServer.RTSPServer(); server.set_service("0")
server.get_mount_points().add_factory("/cam", Factory())
server.attach(None)
print(server.get_bound_port(), flush=True)
GLib.MainLoop().run()
"""


@pytest.mark.parametrize(
    ("text", "address", "name", "stem"),
    [
        ("/dev/video2", "/dev/video2", "/dev/video2", "video2"),
        ("rtsp://me:secret@cam.lan:8554/door?x=1", None, "rtsp://cam.lan:8554/door", "cam-lan-door"),
        ("http://host/live.m3u8", None, "http://host/live.m3u8", "host-live-m3u8"),
        ("udp://239.0.0.1:1234", None, "udp://239.0.0.1:1234", "239-0-0-1"),
    ],
)
def test_streams_are_recognised_and_their_names_hold_no_password(
    text: str, address: str | None, name: str, stem: str
) -> None:
    source = live_source(text)
    assert source is not None
    assert (source.address, source.name, source.stem) == (address or text, name, stem)
    assert "secret" not in repr(source)


def test_a_number_is_a_camera_unless_it_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for platform, address in (("linux", "/dev/video0"), ("darwin", "0:none")):
        monkeypatch.setattr("sys.platform", platform)
        source = live_source("0")
        assert source is not None and source.address == address
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(UsageError, match="video=NAME"):
        live_source("0")
    (tmp_path / "0").touch()
    assert live_source("0") is None


@pytest.mark.parametrize("text", ["clip.mp4", "s3://bucket/a.mp4", "C:/clip.mp4", "http://host/clip.mp4", "a:b.mp4"])
def test_files_and_stores_are_not_live(text: str) -> None:
    assert live_source(text) is None
    assert is_web_file(text) == text.startswith("http")


def test_what_cannot_be_read_says_what_to_do() -> None:
    with pytest.raises(UsageError, match="mpegts"):
        live_source("srt://host:9000")
    with pytest.raises(UsageError, match="names no host"):
        live_source("rtsp:///cam")
    assert without_password("https://me:secret@host/a.mp4?token=x") == "https://host/a.mp4"


@contextmanager
def serving(answer: Callable[[http.server.BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A local web server; yields its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_download_that_breaks_off_goes_on_where_it_stopped(tmp_path: Path) -> None:
    whole, asked = EXAMPLE_CLIP.read_bytes(), list[str | None]()

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        wanted = request.headers["Range"]
        asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        request.send_response(206 if wanted else 200)
        request.send_header("Content-Length", str(len(whole) - start))
        request.end_headers()
        request.wfile.write(whole[start : start + 200_000])  # then the connection ends

    with serving(answer) as address:
        download(f"{address}/clip.mp4", tmp_path / "copy", patience_seconds=5)
    assert (tmp_path / "copy").read_bytes() == whole
    assert asked == [None, "bytes=200000-", "bytes=400000-"]


def test_a_missing_file_on_the_web_is_one_line_without_secrets(tmp_path: Path) -> None:
    with serving(lambda request: request.send_error(404)) as address:
        with pytest.raises(InputError, match="404") as caught:
            download(f"{address}/clip.mp4?token=secret", tmp_path / "copy")
    assert "secret" not in str(caught.value)
    began = time.monotonic()
    with pytest.raises(InputError, match="cannot be read"):
        download(f"{address}/clip.mp4", tmp_path / "copy", patience_seconds=1)  # nobody listens any more
    assert time.monotonic() - began < 10


def test_a_pipe_that_is_no_video_is_one_line(
    vidtrack: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(bytes(range(256)) * 100))
    monkeypatch.setattr("sys.stdin", stdin)
    ended = vidtrack("detect", "-", "-o", f"{tmp_path}/out/")
    assert_one_line(ended, 3, "standard input is not a video")


def test_a_pipe_that_never_ends_leaves_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return bytes(size)

    def usage(folder: Path) -> SimpleNamespace:
        held = sum(path.stat().st_size for path in Path(folder).iterdir())
        return SimpleNamespace(free=(1 << 30) + (8 << 20) - held)

    monkeypatch.setattr("vidtrack.video.web_file.shutil.disk_usage", usage)
    with pytest.raises(OutputError, match=r"standard input is too large for the disk: .* 1 GiB must stay free"):
        copy_pipe(Endless(), tmp_path / "clip")  # type: ignore[arg-type]
    assert (tmp_path / "clip").stat().st_size <= 8 << 20


def test_an_empty_pipe_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="empty"):
        copy_pipe(io.BytesIO(), tmp_path / "copy")


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
    assert len(frames) < 10 and steps.max() > 2
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
    python = "/usr/bin/python3"
    try:
        check = subprocess.run([python, "-c", "import gi; gi.require_version('GstRtspServer', '1.0')"], check=False)
    except FileNotFoundError:
        check = None
    if check is None or check.returncode:
        pytest.skip("needs gir1.2-gst-rtsp-server-1.0, python3-gi and gstreamer1.0-plugins-good")
    server = subprocess.Popen([python, "-c", _SERVER, str(EXAMPLE_CLIP)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        source = live_source(f"rtsp://127.0.0.1:{server.stdout.readline().strip()}/cam")
        assert source is not None
        with LiveReader(source, ReadConfig(end_seconds=Fraction(2))) as reader:
            frames = list(reader)
    finally:
        server.kill()
        server.communicate()
    assert reader.info.size == (640, 272) and reader.info.codec == "h264"
    assert len(frames) > 5
    with VideoReader(EXAMPLE_CLIP) as clip:
        known = next(iter(clip)).image.astype(int)
    assert min(np.abs(frame.image - known).mean() for frame in frames) < 12  # the clip's first shot, not noise
