"""Files on the web and pipes, copied before they are read."""

from __future__ import annotations

import http.server
import io
import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.media import EXAMPLE_CLIP
from tests.video.serving import serving
from vidtrack.core.errors import InputError, OutputError
from vidtrack.video.web_file import copy_pipe, download


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


@pytest.mark.parametrize("chunked", [False, True])
def test_a_server_that_cannot_continue_starts_over(tmp_path: Path, chunked: bool) -> None:
    data, asked = os.urandom(5000), []

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        asked.append(request.headers.get("Range"))
        sent = data if len(asked) > 2 else data[: 1000 * len(asked)]
        request.protocol_version = "HTTP/1.1"
        request.send_response(200)
        if chunked:
            request.send_header("Transfer-Encoding", "chunked")
        else:
            request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        if chunked:
            end = b"0\r\n\r\n" if sent is data else b""
            request.wfile.write(b"%x\r\n%b\r\n" % (len(sent), sent) + end)
        else:
            request.wfile.write(sent)
        request.close_connection = True

    with serving(answer) as address:
        download(f"{address}/clip.mp4", tmp_path / "clip.mp4")
    assert (tmp_path / "clip.mp4").read_bytes() == data
    assert asked == [None, "bytes=1000-", "bytes=2000-"]


def test_a_file_that_was_replaced_meanwhile_is_not_a_mixture(tmp_path: Path) -> None:
    versions = [os.urandom(5000), os.urandom(5000)]
    asked: list[str | None] = []

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        asked.append(request.headers.get("If-Range"))
        data, tag = versions[len(asked) - 1], f'"v{len(asked)}"'
        same = asked[-1] in (None, tag)  # RFC 9110, 13.1.5
        partial = request.headers.get("Range") is not None and same
        request.send_response(206 if partial else 200)
        request.send_header("ETag", tag)
        request.send_header("Content-Length", str(len(data) - 2000 if partial else len(data)))
        request.end_headers()
        request.wfile.write(data[2000:] if partial else data if len(asked) > 1 else data[:2000])

    with serving(answer) as address:
        download(f"{address}/clip.mp4", tmp_path / "clip.mp4")
    assert (tmp_path / "clip.mp4").read_bytes() == versions[1]
    assert asked == [None, '"v1"']


@pytest.mark.parametrize("tag", ['W/"v{}"', '"v{}"'])
def test_a_server_that_ignores_versions_does_not_mix_them(tmp_path: Path, tag: str) -> None:
    versions, asked = [os.urandom(5000), os.urandom(5000)], []

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range")
        asked.append(wanted)
        data = versions[min(len(asked) - 1, 1)]
        request.send_response(206 if wanted else 200)
        request.send_header("ETag", tag.format(min(len(asked), 2)))
        request.send_header("Content-Length", str(3000 if wanted else 5000))
        request.end_headers()
        request.wfile.write(data[2000:] if wanted else data if len(asked) > 1 else data[:2000])

    with serving(answer) as address:
        download(f"{address}/clip.mp4", tmp_path / "clip.mp4")
    assert (tmp_path / "clip.mp4").read_bytes() == versions[1]
    assert asked == [None, "bytes=2000-", None]


def test_a_file_that_became_shorter_meanwhile_is_fetched_anew(tmp_path: Path) -> None:
    short, asked = os.urandom(1000), []

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        asked.append(request.headers.get("Range"))
        if asked[-1] is not None:
            request.send_error(416)
            return
        request.send_response(200)
        request.send_header("Content-Length", "5000" if len(asked) == 1 else "1000")
        request.end_headers()
        request.wfile.write(bytes(2000) if len(asked) == 1 else short)

    with serving(answer) as address:
        download(f"{address}/clip.mp4", tmp_path / "clip.mp4")
    assert (tmp_path / "clip.mp4").read_bytes() == short
    assert asked == [None, "bytes=2000-", None]


def test_a_redirect_in_a_circle_is_one_line(tmp_path: Path) -> None:
    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", "/clip.mp4")
        request.send_header("Content-Length", "0")
        request.end_headers()

    with serving(answer) as address, pytest.raises(InputError, match="HTTP 302") as caught:
        download(f"{address}/clip.mp4", tmp_path / "clip.mp4")
    assert "\n" not in str(caught.value)


def test_a_busy_server_is_asked_again(tmp_path: Path) -> None:
    asked = []

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        if len(asked) == 1:
            request.send_error(429)
            return
        request.send_response(200)
        request.send_header("Content-Length", "4")
        request.end_headers()
        request.wfile.write(b"clip")

    with serving(answer) as address:
        download(f"{address}/clip.mp4", tmp_path / "clip.mp4")
    assert (tmp_path / "clip.mp4").read_bytes() == b"clip"


def test_a_missing_file_on_the_web_is_one_line_without_secrets(tmp_path: Path) -> None:
    with serving(lambda request: request.send_error(404)) as address:
        with pytest.raises(InputError, match="404") as caught:
            download(f"{address}/clip.mp4?token=secret", tmp_path / "copy")
    assert "secret" not in str(caught.value)
    began = time.monotonic()
    with pytest.raises(InputError, match="cannot be read"):
        download(f"{address}/clip.mp4", tmp_path / "copy", patience_seconds=1)  # nobody listens any more
    assert time.monotonic() - began < 10


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
