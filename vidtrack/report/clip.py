"""The clip of a page: the file itself if browsers play it, else a small copy."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from urllib.parse import quote

import cv2

from vidtrack.core.errors import InputError
from vidtrack.core.types import Frame, VideoInfo
from vidtrack.tracklog.source_video import Footage
from vidtrack.video import VideoWriter
from vidtrack.video.config import EncodeConfig

EMBEDDED_BYTES = 64 << 20  # a larger clip is embedded as a copy: browsers take a page into memory as a whole
_LONGER_SIDE = 1280
_COPY = EncodeConfig("h264", 26, "veryfast")
_MP4, _WEBM = "video/mp4", "video/webm"
_TYPES = {".mp4": _MP4, ".m4v": _MP4, ".mov": _MP4, ".webm": _WEBM}
_CODECS = {_MP4: ("h264", "av1", "vp9"), _WEBM: ("vp8", "vp9", "av1")}
_PIXELS = {"h264": ("yuv420p", "yuvj420p")}  # decoders of browsers know H.264 in 8 bits with halved chroma only


@dataclass(frozen=True)
class Clip:
    """What the page plays: a file `path` beside it, or `data`, its bytes as base64.

    `origin_seconds` is the log's time at which it starts; `note` says why it is not the clip itself.
    """

    path: Path
    type: str
    origin_seconds: Fraction
    sound: bool
    data: str | None = None
    note: str = ""

    def href(self, page: Path) -> str | None:
        """Its address relative to the page; None if it is embedded."""
        if self.data is not None:
            return None
        return quote(os.fsencode(os.path.relpath(self.path, page.parent)))


def obstacle(info: VideoInfo) -> str:
    """Why browsers do not play a file; empty if they do."""
    kind = _TYPES.get(info.path.suffix.lower())
    if kind is None:
        return f"{info.path.suffix.lstrip('.') or 'such'} files do not play in every browser"
    pixels = _PIXELS.get(info.codec, (info.pixel_format,))
    if info.codec not in _CODECS[kind] or info.pixel_format not in pixels:
        return f"{info.codec} {info.pixel_format} does not play in every browser"
    if any(info.crop) or info.mirrored:
        return "not every browser crops and mirrors a clip as the file says"
    return "browsers play another of the file's video streams" if info.stream else ""


def clip_itself(footage: Footage, embed: bool) -> Clip:
    """The file as it is, linked or embedded; raises InputError if it cannot be read."""
    path = footage.info.path
    origin = -footage.info.first_frame_offset_seconds  # browsers count from the container's start
    clip = Clip(path, _TYPES[path.suffix.lower()], origin, footage.info.has_audio)
    return _embedded(clip) if embed else clip


class CopyWriter:
    """Writes a copy that browsers play, of no more than 1280 pixels a side, while its frames pass."""

    def __init__(self, footage: Footage, path: Path, note: str) -> None:
        self._footage, self._path, self._note = footage, path, note
        self._start, end = footage.within(None, None)
        self._info = replace(footage.info, size=_fitting(footage.info.size), has_subtitles=False)
        self._writer = VideoWriter(path, self._info, _COPY, footage.info.path, self._start, end)
        self._origin = Fraction(0)

    def passing(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """The same frames, each written on its way."""
        for frame in frames:
            if self._writer.written == 0 and self._start is not None:
                self._origin = frame.seconds
            image = cv2.resize(frame.image, self._info.size, interpolation=cv2.INTER_AREA)
            self._writer.write(replace(frame, image=image))
            yield frame

    def finish(self, embed: bool) -> Clip:
        """Complete the copy; if it is embedded, its file is removed."""
        self._writer.close()
        if self._start is None:
            self._origin = -self._writer.lead_seconds
        clip = Clip(self._path, _MP4, self._origin, self._footage.info.has_audio, None, self._note)
        if embed:
            clip = _embedded(clip)
            self._path.unlink()
        return clip

    def abort(self) -> None:
        """Leave nothing behind."""
        self._writer.abort(keep=False)


def _fitting(size: tuple[int, int]) -> tuple[int, int]:
    """The image size, scaled down if needed, in even numbers."""
    scale = min(1.0, _LONGER_SIDE / max(size))
    width, height = (max(2, round(side * scale / 2) * 2) for side in size)
    return width, height


def _embedded(clip: Clip) -> Clip:
    try:
        return replace(clip, data=base64.b64encode(clip.path.read_bytes()).decode("ascii"))
    except OSError as error:
        raise InputError(f"{clip.path} cannot be read: {error.strerror}") from None
