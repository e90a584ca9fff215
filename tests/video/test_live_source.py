"""What is taken for a camera, a stream or a file on the web."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidtrack.batch.remote import is_address
from vidtrack.core.errors import UsageError
from vidtrack.video.live_source import is_web_file, live_source, without_password


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


@pytest.mark.parametrize(
    "text", ["clip.mp4", "s3://bucket/a.mp4", "C:/clip.mp4", r"C:\clips\a.mp4", "http://host/clip.mp4", "a:b.mp4"]
)
def test_files_and_stores_are_not_live(text: str) -> None:
    assert live_source(text) is None
    assert is_web_file(text) == text.startswith("http")
    assert is_address(text) == text.startswith(("s3:", "http:"))


def test_what_cannot_be_read_says_what_to_do() -> None:
    with pytest.raises(UsageError, match="mpegts"):
        live_source("srt://host:9000")
    with pytest.raises(UsageError, match="names no host"):
        live_source("rtsp:///cam")
    assert without_password("https://me:secret@host/a.mp4?token=x") == "https://host/a.mp4"
