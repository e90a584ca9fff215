"""Video files opened for reading, and the choice of their video stream."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import av
from av.codec.hwaccel import HWAccel

from vidtrack.core.errors import InputError, MisfitError
from vidtrack.video.ffmpeg_log import FFmpegMessages, reason
from vidtrack.video.limits import DEFAULT_LIMITS, Limits

LOCAL_ONLY = {"protocol_whitelist": "file,crypto,data"}  # a playlist may name any address; none is contacted
# FFmpeg draws text files as terminal art and finds images in lyrics; nobody means that as footage.
_TEXT_DEMUXERS = frozenset({"tty", "bin", "xbin", "adf", "idf", "lrc"})
_DEFAULT_STREAM_BONUS = 5_000_000  # pixels: how ffmpeg weighs a stream flagged as default against a larger one


def open_container(
    path: Path, hwaccel: HWAccel | None = None, limits: Limits = DEFAULT_LIMITS
) -> av.container.InputContainer:
    """Open a file for reading, or raise an InputError that says why it is not a video."""
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder", "give a video file")
        status = path.stat()
        if stat.S_ISFIFO(status.st_mode):  # opening waits for a writer, and a clip is read more than once
            raise InputError(f"{path} is a pipe, not a file", "write the clip to a file first")
        if status.st_size == 0 and stat.S_ISREG(status.st_mode):
            raise InputError(f"{path} is empty", "the recording or the copy may have failed")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist", "check the name") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    with FFmpegMessages() as messages:
        try:
            container = av.open(
                file_url(path),
                "r",
                options=limits.decoder_options,  # opening decodes a little
                hwaccel=hwaccel,
                metadata_errors="replace",
                container_options=LOCAL_ONLY,
            )
        except PermissionError as error:
            if hwaccel is not None:  # a missing driver is reported the same way
                raise
            raise InputError(f"{path} cannot be read: {error.strerror}", "check the permissions") from None
        except (av.FFmpegError, OSError, ValueError) as error:
            if hwaccel is not None:
                raise
            if _starts_like_mp4(path) and any("moov atom not found" in message for message in messages.take()):
                raise InputError(
                    f"{path} is an MP4 without its index (moov)",
                    "the recording was cut off before it was finished; a repair tool such as untrunc can rebuild it",
                ) from None
            raise InputError(f"{path} is not a video: {reason(error)}") from None
    if container.format.name in _TEXT_DEMUXERS:
        container.close()
        raise InputError(f"{path} is text, not a video")
    return container


def video_streams(container: av.container.InputContainer) -> list[Any]:
    """The video streams that can be decoded; cover art does not count, nor do tiles of an image."""
    return [
        stream
        for stream in container.streams.video
        if not stream.disposition & av.stream.Disposition.attached_pic and stream.codec_context is not None
    ]


def video_stream(container: av.container.InputContainer, path: Path, number: int | None = None) -> Any:
    """The video stream of that number, or the one ffmpeg takes by default: the largest, with a bonus if flagged as
    default. A still image beside moving ones, as in AVIF, is left aside.

    Raises InputError if there is no video stream, MisfitError if there is none of that number.
    """
    videos = video_streams(container)
    if not videos:
        covers = list(container.streams.video)
        kinds = sorted({s.type for s in container.streams if s not in covers})
        held = f"only {' and '.join(kinds)}{' and cover art' if covers else ''}" if kinds else "only cover art"
        raise InputError(f"{path} has no video stream, {held}", "give a file with moving images")
    if number is not None:
        if number >= len(videos):
            raise MisfitError(f"{path} has no video stream {number}", f"it has {_listed(videos)}")
        return videos[number]
    moving = [stream for stream in videos if stream.frames != 1] or videos
    return max(moving, key=_preference)


def file_url(path: Path) -> str:
    """The path for FFmpeg, which would take `12:30.mp4` for a protocol."""
    return f"file:{path}"


def _preference(stream: Any) -> int:
    bonus = _DEFAULT_STREAM_BONUS if stream.disposition & av.stream.Disposition.default else 0
    return stream.codec_context.width * stream.codec_context.height + bonus


def _listed(videos: list[Any]) -> str:
    sizes = (f"{n} ({s.codec_context.width}x{s.codec_context.height})" for n, s in enumerate(videos))
    return ", ".join(sizes)


def _starts_like_mp4(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8)[4:] in (b"ftyp", b"mdat", b"free", b"skip", b"wide")
