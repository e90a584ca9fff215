"""What a file says about its video, checked by decoding the first frame."""

from __future__ import annotations

import re
import stat
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.codec.hwaccel import HWAccel

from vidtrack.core.errors import InputError
from vidtrack.core.types import AudioInfo, Colour, VideoInfo
from vidtrack.video.colour import bit_depth
from vidtrack.video.ffmpeg_log import FFmpegMessages, reason
from vidtrack.video.image_sequence import (
    DEFAULT_FRAMERATE,
    LOCAL_ONLY,
    decode_image,
    file_url,
    image_paths,
    is_sequence,
)
from vidtrack.video.limits import DEFAULT_LIMITS, Limits

# FFmpeg draws text files as terminal art and finds pictures in lyrics; nobody means that as footage.
_TEXT_DEMUXERS = frozenset({"tty", "bin", "xbin", "adf", "idf", "lrc"})
_FIRST_FRAME_PACKETS = 2000
_PROGRESSIVE_OR_UNKNOWN = (0, 1)  # AVFieldOrder


def probe(path: str | Path, framerate: Fraction | None = None, limits: Limits = DEFAULT_LIMITS) -> VideoInfo:
    """Describe a video file or an image sequence; `framerate` is for image sequences only.

    `size` and `sample_aspect_ratio` are of the upright picture, `coded_size` is before rotation.

    Raises InputError for what is not a video: missing, empty, a folder without pictures, text, audio only,
    cover art only, an MP4 without its index, nothing decodable, frames past `limits`.
    """
    path = Path(path)
    if is_sequence(path):
        return _probe_sequence(path, framerate or DEFAULT_FRAMERATE, limits)
    container = open_container(path, limits=limits)
    try:
        return _describe(container, video_stream(container, path), path, limits)
    finally:
        container.close()


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


def video_stream(container: av.container.InputContainer, path: Path) -> Any:
    """The stream to track: the default video stream, else the first; cover art does not count."""
    pictures = [s for s in container.streams.video if s.disposition & av.stream.Disposition.attached_pic]
    videos = [s for s in container.streams.video if s not in pictures and s.codec_context is not None]
    if not videos:
        kinds = sorted({s.type for s in container.streams if s not in pictures})
        held = f"only {' and '.join(kinds)}{' and cover art' if pictures else ''}" if kinds else "only cover art"
        raise InputError(f"{path} has no video stream, {held}", "give a file with moving pictures")
    defaults = [s for s in videos if s.disposition & av.stream.Disposition.default]
    return (defaults or videos)[0]


def fraction(value: Any) -> Fraction | None:
    """A rational of PyAV as a Fraction; None where it is unset (None, 0 or 0/1, by PyAV version)."""
    return Fraction(value.numerator, value.denominator) if value else None


def ticks(time_base: Any) -> Fraction:
    """The time base of a packet or frame, which always has one."""
    value = fraction(time_base)
    assert value is not None
    return value


def stream_duration(container: av.container.InputContainer, stream: Any) -> Fraction | None:
    """Seconds of the video stream itself, None where the file only knows that of the whole container."""
    time_base = fraction(stream.time_base)
    if stream.duration and time_base:
        return stream.duration * time_base
    clock = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", stream.metadata.get("DURATION", ""))  # Matroska tag
    if clock:
        return int(clock[1]) * 3600 + int(clock[2]) * 60 + Fraction(clock[3])
    only_stream = len(container.streams) == 1
    return Fraction(container.duration, 1_000_000) if only_stream and container.duration else None


def _starts_like_mp4(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8)[4:] in (b"ftyp", b"mdat", b"free", b"skip", b"wide")


def _describe(container: av.container.InputContainer, stream: Any, path: Path, limits: Limits) -> VideoInfo:
    stream.codec_context.options = limits.decoder_options
    frame = _first_frame(container, stream, path, limits)
    limits.refuse_size(path, frame.width, frame.height)
    context = stream.codec_context
    sample_aspect_ratio = fraction(stream.sample_aspect_ratio) or Fraction(1)
    rotation = round(frame.rotation / 90) * 90 % 360
    width, height = frame.width, frame.height
    if rotation in (90, 270):
        width, height, sample_aspect_ratio = height, width, 1 / sample_aspect_ratio
    duration = stream_duration(container, stream)
    if duration is None and container.duration:
        duration = Fraction(container.duration, 1_000_000)
    return VideoInfo(
        path=path,
        container=container.format.name,
        codec=context.codec.canonical_name,
        pixel_format=frame.format.name,
        coded_size=(frame.width, frame.height),
        size=(width, height),
        rotation=rotation,
        sample_aspect_ratio=sample_aspect_ratio,
        time_base=fraction(stream.time_base) or Fraction(1, 1_000_000),
        start_pts=stream.start_time or 0,
        average_rate=fraction(stream.average_rate),
        frame_count=stream.frames or None,
        duration_seconds=duration,
        interlaced=context.field_order not in _PROGRESSIVE_OR_UNKNOWN or frame.interlaced_frame,
        audio=tuple(AudioInfo(s.channels, s.sample_rate) for s in container.streams.audio if s.codec_context),
        has_subtitles=bool(container.streams.subtitles),
        timecode=_timecode(container, stream),
        colour=_colour(frame),
        file_bytes=path.stat().st_size,
        bit_depth=bit_depth(frame.format.name),
        container_start_seconds=_container_start(container, stream),
    )


def _container_start(container: av.container.InputContainer, stream: Any) -> Fraction | None:
    """Seconds at which the earliest stream starts, exact if that is the video stream: FFmpeg has whole microseconds."""
    if container.start_time is None:
        return None
    start = Fraction(container.start_time, 1_000_000)
    own = (stream.start_time or 0) * ticks(stream.time_base)
    return own if abs(own - start) <= Fraction(1, 1_000_000) else start


def _probe_sequence(path: Path, framerate: Fraction, limits: Limits) -> VideoInfo:
    paths = image_paths(path)
    for picture in paths:
        try:
            frame, codec = decode_image(picture, limits)
            break
        except (av.FFmpegError, OSError, StopIteration, IndexError):
            continue
    else:
        raise InputError(f"none of the {len(paths)} pictures of {path} can be decoded", "check the files")
    rotation = round(frame.rotation / 90) * 90 % 360
    size = (frame.width, frame.height)
    return VideoInfo(
        path=path,
        container="image2",
        codec=codec,
        pixel_format=frame.format.name,
        coded_size=size,
        size=size[::-1] if rotation in (90, 270) else size,
        rotation=rotation,
        sample_aspect_ratio=Fraction(1),
        time_base=1 / framerate,
        start_pts=0,
        average_rate=framerate,
        frame_count=len(paths),
        duration_seconds=len(paths) / framerate,
        colour=_colour(frame),
        file_bytes=sum(p.stat().st_size for p in paths),
        bit_depth=bit_depth(frame.format.name),
    )


def _first_frame(container: av.container.InputContainer, stream: Any, path: Path, limits: Limits) -> av.VideoFrame:
    with FFmpegMessages() as messages:
        try:
            for count, packet in enumerate(container.demux(stream)):
                try:
                    for frame in packet.decode():
                        return frame
                except (av.FFmpegError, ValueError):
                    pass  # a damaged packet; a later one may decode
                if count > _FIRST_FRAME_PACKETS:
                    break
        except (av.FFmpegError, OSError):
            pass
        finally:
            stream.codec_context.flush_buffers()
        said = messages.take()
    limits.refuse_refused(path, said)
    raise InputError(
        f"no frame of {path} can be decoded{f': {said[-1]}' if said else ''}", "the file is damaged or not a video"
    )


def _colour(frame: av.VideoFrame) -> Colour:
    full_range = frame.color_range == 2 or frame.format.name.startswith("yuvj")
    return Colour(int(frame.color_primaries), int(frame.color_trc), int(frame.colorspace), full_range)


def _timecode(container: av.container.InputContainer, stream: Any) -> str | None:
    for metadata in (stream.metadata, container.metadata, *(s.metadata for s in container.streams.data)):
        for key in ("timecode", "TIMECODE"):  # Matroska shouts
            if key in metadata:
                return metadata[key]
    return None
