"""Servers on this machine: web, RTSP."""

from __future__ import annotations

import http.server
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_RTSP_SERVER = """
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


@contextmanager
def rtsp_camera(clip: Path) -> Iterator[str]:
    """Address of a camera that sends an H.264 clip as fast as it plays; skips the test without GStreamer's server."""
    python = "/usr/bin/python3"
    try:
        check = subprocess.run([python, "-c", "import gi; gi.require_version('GstRtspServer', '1.0')"], check=False)
    except FileNotFoundError:
        check = None
    if check is None or check.returncode:
        pytest.skip("needs gir1.2-gst-rtsp-server-1.0, python3-gi and gstreamer1.0-plugins-good")
    with subprocess.Popen([python, "-c", _RTSP_SERVER, str(clip)], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield f"rtsp://127.0.0.1:{server.stdout.readline().strip()}/cam"
        finally:
            server.kill()
