"""What a person typed for a source that sends frames as they come: a camera, or a stream on the network."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from vidtrack.core.errors import UsageError

STREAM_SCHEMES = frozenset({"http", "https", "rtmp", "rtmps", "rtp", "rtsp", "rtsps", "tcp", "udp"})
_OTHERS = {
    "srt": "this FFmpeg has no SRT: pipe it in with `ffmpeg -i srt://... -c copy -f mpegts - | vidtrack detect -`",
    "ftp": "download the file first",
    "sftp": "download the file first",
}
_DEVICE = re.compile(r"/dev/video\d+")
_NAMED_DEVICE = "video="  # of DirectShow
_PLAYLISTS = (".m3u8", ".mjpg", ".mjpeg", ".cgi", ".sdp")


@dataclass(frozen=True)
class LiveSource:
    """A source read once, as it comes. `address` is FFmpeg's, `name` is what logs and messages say."""

    address: str = field(repr=False)  # may hold a password
    name: str
    stem: str  # of the files to make
    format: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    descriptor: int | None = None  # of a pipe, which is read as fast as its frames are processed: none is dropped


STANDARD_INPUT = LiveSource("pipe:0", "standard input", "stdin", descriptor=0)


def live_source(text: str) -> LiveSource | None:
    """The camera or stream that `text` means; None for a file, a folder, a store such as s3, or a file on the web.

    Raises UsageError for what cannot be read.
    """
    if camera := _camera(text):
        return camera
    scheme, separator, _ = text.partition("://")
    if not separator:
        return None
    if hint := _OTHERS.get(scheme.lower()):
        raise UsageError(f"{scheme}:// addresses cannot be read", hint)
    if scheme.lower() not in STREAM_SCHEMES or is_web_file(text):
        return None
    options = {"rtsp_transport": "tcp"} if scheme.lower().startswith("rtsp") else {}  # UDP passes few firewalls
    return LiveSource(text, without_password(text), stem_of(text), None, options)


def without_password(address: str) -> str:
    """The address without user, password and query, to be shown and logged; raises UsageError if it names no host."""
    parts = urlsplit(address)
    if parts.hostname is None:
        raise UsageError(f"{address} names no host", f"give {parts.scheme}://HOST/PATH")
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"


def stem_of(address: str) -> str:
    """A file name for what is made of an address: that of its file, or its host and path."""
    parts = urlsplit(address)
    name = os.path.splitext(os.path.basename(parts.path))[0] if is_web_file(address) else ""
    return name or re.sub(r"[^A-Za-z0-9]+", "-", f"{parts.hostname}{parts.path}").strip("-")


def is_web_file(text: str) -> bool:
    """True for a web address of a file, which is copied and tracked like any clip, rather than of a stream."""
    parts = urlsplit(text)
    return parts.scheme.lower() in ("http", "https") and not parts.path.lower().endswith(_PLAYLISTS)


def _camera(text: str) -> LiveSource | None:
    if text.isdecimal() and len(text) <= 2 and not os.path.exists(text):
        number = int(text)
        if sys.platform == "win32":
            raise UsageError(
                f"camera {number} cannot be chosen by number on Windows", "give 'video=NAME OF THE CAMERA'"
            )
        if sys.platform == "darwin":
            return LiveSource(f"{number}:none", f"camera {number}", f"camera{number}", "avfoundation")
        return LiveSource(f"/dev/video{number}", f"/dev/video{number}", f"video{number}", "v4l2")
    if _DEVICE.fullmatch(text):
        return LiveSource(text, text, os.path.basename(text), "v4l2")
    if text.startswith(_NAMED_DEVICE) and sys.platform == "win32":
        stem = re.sub(r"[^A-Za-z0-9]+", "-", text.removeprefix(_NAMED_DEVICE)).strip("-")
        return LiveSource(text, text.removeprefix(_NAMED_DEVICE), stem, "dshow")
    return None
