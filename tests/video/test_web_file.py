"""Files on the web and pipes, copied before they are read."""

from __future__ import annotations

import http.server
import io
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
