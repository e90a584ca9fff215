"""`vidtrack detect` on a pipe, a file on the web and a stream."""

from __future__ import annotations

import base64
import http.server
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ended, assert_one_line
from tests.media import Clip, write_clip
from tests.video.serving import serving
from vidtrack import TrackLog
from vidtrack.cli.live import file_name, streamed
from vidtrack.core.errors import UsageError


def test_a_pipe_that_is_no_video_is_one_line(
    vidtrack: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(bytes(range(256)) * 100))
    monkeypatch.setattr("sys.stdin", stdin)
    ended = vidtrack("detect", "-", "-o", f"{tmp_path}/out/")
    assert_one_line(ended, 3, "standard input is not a video")


@pytest.fixture
def detect(vidtrack: Callable[..., Ended], tiny_checkpoint: Path) -> Callable[..., Ended]:
    choices = ("--model", tiny_checkpoint, "--device", "cpu", "--threads", 1, "--score", 0.3)
    return lambda *arguments: vidtrack("detect", *arguments, *choices)


def test_a_pipe_is_tracked_like_the_file_it_came_from(
    detect: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=5))
    assert detect(clip, "--no-video").code == 0
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(clip.read_bytes())))
    ended = detect("-", "-o", f"{tmp_path}/out/", "--no-video")
    assert ended.code == 0, ended.err
    piped, direct = (
        TrackLog.load(path) for path in (tmp_path / "out" / "stdin.tracks.jsonl", tmp_path / "clip.tracks.jsonl")
    )
    assert piped.header.source.path == "standard input"
    assert len(piped) == 5 and piped.boxes_xyxy.tobytes() == direct.boxes_xyxy.tobytes()


def test_a_file_on_the_web_is_tracked_and_its_log_holds_no_password(
    detect: Callable[..., Ended], tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=5)).read_bytes()

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        login = base64.b64decode(request.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        if login != "me:p@ss secret":
            request.send_error(401)
            return
        request.send_response(200)
        request.send_header("Content-Length", str(len(clip)))
        request.end_headers()
        request.wfile.write(clip)

    with serving(answer) as address:
        text = f"{address.replace('://', '://me:p%40ss%20secret@')}/day/clip.mp4?token=secret"
        ended = detect(text, "-o", tmp_path / "web.tracks.jsonl", "--no-video")
    assert ended.code == 0, ended.err
    assert "secret" not in ended.err + ended.out + (tmp_path / "web.tracks.jsonl").read_text()
    log = TrackLog.load(tmp_path / "web.tracks.jsonl")
    assert (log.header.source.path, len(log)) == (f"{address}/day/clip.mp4", 5)


def test_files_of_what_has_no_name_are_called_after_their_source() -> None:
    names = [file_name(text) for text in ("-", "rtsp://cam.lan:8554/door", "http://host/clips/a.mp4")]
    assert names == ["stdin.stream", "cam-lan-door.stream", "a.stream"]


def test_a_stream_is_the_only_input() -> None:
    assert streamed(["a.mp4", "folder"]) is None
    assert streamed(["rtsp://cam.lan/door"]) == "rtsp://cam.lan/door"
    with pytest.raises(UsageError, match=r"rtsp://cam\.lan/door must be the only input"):
        streamed(["a.mp4", "rtsp://me:secret@cam.lan/door"])
