"""What a file says about its video, checked by decoding the first frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from vidtrack.core.errors import InputError
from vidtrack.core.types import AudioInfo, Colour, VideoInfo
from vidtrack.video import timing
from vidtrack.video.colour import TRANSPARENCY, bit_depth, is_transparent, transfer_note
from vidtrack.video.container import open_container, video_stream, video_streams
from vidtrack.video.ffmpeg_log import FFmpegMessages, reason
from vidtrack.video.geometry import Orientation, display_aspect, display_size, valid_crop
from vidtrack.video.image_sequence import DEFAULT_FRAMERATE, image_files, is_sequence
from vidtrack.video.images import DECODE_ERRORS, DecodedImage, decode_image, is_still_image
from vidtrack.video.limits import DEFAULT_LIMITS, Limits
from vidtrack.video.side_data import stream_side_data

_FIRST_FRAME_PACKETS = 2000
_MOST_UNTIMED = 64  # frames without a time before the first that has one
_PROGRESSIVE_OR_UNKNOWN = (0, 1)  # AVFieldOrder
_SIZES_CHECKED = 4  # images of a sequence
_SAME_SHAPE = 0.02  # by which the aspect of images of one sequence may differ
_DOLBY_VISION_ONLY = 5  # profile without a base layer that other decoders show


def probe(
    path: str | Path, framerate: Fraction | None = None, limits: Limits = DEFAULT_LIMITS, stream: int | None = None
) -> VideoInfo:
    """Describe a video file or an image sequence; `framerate` is for image sequences only, `stream` picks a video
    stream by number.

    Raises InputError for anything that is not a video: missing, empty, a folder without images or with images of
    several shapes, text, audio only, cover art only, an MP4 without its index, nothing decodable, frames past `limits`;
    MisfitError for a stream the file does not have.
    """
    path = Path(path)
    if are_images(path):
        return probe_images(path, framerate, limits).info
    with open_container(path, limits=limits) as container:
        return describe(container, video_stream(container, path, stream), path, limits)


@dataclass(frozen=True)
class _FirstFrames:
    """The first decoded frame, and the times of the first ones up to one that has any."""

    frame: av.VideoFrame
    times: tuple[int | None, ...]


def describe(container: av.container.InputContainer, stream: Any, path: Path, limits: Limits) -> VideoInfo:
    """Describe a stream of an open container, of which the first frames are decoded; raises InputError."""
    stream.codec_context.options = limits.decoder_options
    first = _first_frames(container, stream, path, limits)
    frame, context = first.frame, stream.codec_context
    side_data = stream_side_data(container, stream)
    rate = timing.frame_rate(container, stream)
    start = timing.start_pts(stream, rate, first.times, by_decoding_time=container.format.name == "avi")
    duration = timing.stream_duration(container, stream, start)
    info = VideoInfo(
        path=path,
        container=container.format.name,
        codec=context.codec.canonical_name,
        pixel_format=frame.format.name,
        coded_size=(frame.width, frame.height),
        size=(frame.width, frame.height),
        rotation=0,
        sample_aspect_ratio=timing.fraction(stream.sample_aspect_ratio) or Fraction(1),
        time_base=timing.fraction(stream.time_base) or Fraction(1, 1_000_000),
        start_pts=start,
        average_rate=rate,
        frame_count=timing.frame_count(container, stream),
        duration_seconds=timing.container_duration(container, stream, start) if duration is None else duration,
        interlaced=context.field_order not in _PROGRESSIVE_OR_UNKNOWN or frame.interlaced_frame,
        audio=tuple(AudioInfo(s.channels, s.sample_rate) for s in container.streams.audio if s.codec_context),
        has_subtitles=bool(container.streams.subtitles),
        timecode=_timecode(container, stream),
        colour=_colour(frame),
        file_bytes=path.stat().st_size if path.is_file() else None,
        bit_depth=bit_depth(frame.format.name),
        container_start_seconds=timing.container_start(container, stream),
        stream=video_streams(container).index(stream),
        notes=tuple(_notes(container, stream, frame, side_data.dolby_vision_profile)),
    )
    return _laid(info, frame, valid_crop(side_data.crop, info.coded_size))


def _laid(info: VideoInfo, frame: av.VideoFrame, crop: tuple[int, int, int, int] = (0, 0, 0, 0)) -> VideoInfo:
    """The info with how its frames are laid out to be shown."""
    orientation = Orientation.of(frame)
    notes = info.notes
    if orientation.remainder:
        turn = orientation.rotation + orientation.remainder
        notes = (*notes, f"the clip is marked as rotated by {turn:.0f} degrees: rotated by {orientation.rotation} only")
    return replace(
        info,
        size=display_size(info.coded_size, crop, orientation),
        crop=crop,
        mirrored=orientation.mirrored,
        rotation=orientation.rotation,
        sample_aspect_ratio=display_aspect(info.sample_aspect_ratio, orientation),
        notes=notes,
    )


def _notes(
    container: av.container.InputContainer, stream: Any, frame: av.VideoFrame, dolby_vision_profile: int | None
) -> Iterator[str]:
    """What a user may not expect of how this stream is read."""
    videos = video_streams(container)
    moving = [video for video in videos if video.frames != 1]
    if len(moving) > 1:
        size = f"{stream.codec_context.width}x{stream.codec_context.height}"
        yield f"the file has {len(moving)} video streams: read is number {videos.index(stream)}, {size}; --stream picks"
    if dolby_vision_profile == _DOLBY_VISION_ONLY:
        yield "the video is Dolby Vision profile 5, whose colours need a Dolby decoder: they come out wrong"
    if is_transparent(frame) or stream.metadata.get("alpha_mode") == "1":  # VP8 and VP9 hold it apart
        yield TRANSPARENCY
    if note := transfer_note(int(frame.color_trc)):
        yield note


@dataclass(frozen=True)
class ProbedImages:
    """What images are, and `decoded`, the first of them that can be: the file `first`."""

    info: VideoInfo
    first: Path
    decoded: DecodedImage


def are_images(path: Path) -> bool:
    """True for an image sequence and a still image."""
    return is_sequence(path) or is_still_image(path)


def probe_images(path: Path, framerate: Fraction | None, limits: Limits) -> ProbedImages:
    """Describe an image sequence or a still image; raises InputError as `probe` does."""
    framerate = framerate or DEFAULT_FRAMERATE
    files = image_files(path)
    first, decoded = _first_image(path, [image for image in files.paths if image is not None], limits)
    frame, codec = decoded.frame, decoded.codec
    info = VideoInfo(
        path=path,
        container="image2",
        codec=codec,
        pixel_format=frame.format.name,
        coded_size=(frame.width, frame.height),
        size=(frame.width, frame.height),
        rotation=0,
        sample_aspect_ratio=Fraction(1),
        time_base=1 / framerate,
        start_pts=0,
        average_rate=framerate,
        frame_count=len(files.paths),
        duration_seconds=len(files.paths) / framerate,
        colour=_colour(frame),
        file_bytes=sum(image.stat().st_size for image in files.paths if image is not None),
        bit_depth=bit_depth(frame.format.name),
        numbering=files.numbering,
        notes=(*files.notes, TRANSPARENCY) if is_transparent(frame) else files.notes,
    )
    return ProbedImages(_laid(info, frame), first, decoded)


def _first_image(path: Path, images: list[Path], limits: Limits) -> tuple[Path, DecodedImage]:
    """The first image that can be decoded; raises InputError if there is none, or if others have another shape."""
    first: tuple[Path, DecodedImage] | None = None
    why = ""
    for image in images:
        try:
            first = image, decode_image(image, limits)
            break
        except DECODE_ERRORS as error:
            why = f": {reason(error)}"
    if first is None:
        what = f"{path} cannot" if images == [path] else f"none of the {len(images)} images of {path} can"
        raise InputError(f"{what} be decoded{why}", "check the file" if images == [path] else "check the files")
    size = _upright_size(first[1].frame)
    for image in images[1 :: max(1, len(images) // _SIZES_CHECKED)]:
        try:
            other = decode_image(image, limits).frame
        except (*DECODE_ERRORS, InputError):
            continue
        own = _upright_size(other)
        if abs(own[0] * size[1] / (own[1] * size[0]) - 1) > _SAME_SHAPE:
            raise InputError(
                f"the images of {path} have different shapes: {size[0]}x{size[1]}, but {image.name} {own[0]}x{own[1]}",
                "they cannot be one clip; --photos reads them as photos",
            )
    return first


def _upright_size(frame: av.VideoFrame) -> tuple[int, int]:
    return display_size((frame.width, frame.height), (0, 0, 0, 0), Orientation.of(frame))


def _first_frames(container: av.container.InputContainer, stream: Any, path: Path, limits: Limits) -> _FirstFrames:
    frames: list[av.VideoFrame] = []
    timeless = stream.start_time is None
    with FFmpegMessages() as messages:
        try:
            for count, packet in enumerate(container.demux(stream)):
                try:
                    frames += packet.decode()
                except (av.FFmpegError, ValueError):
                    pass  # a damaged packet; a later one may decode
                if frames and (timeless or frames[-1].pts is not None or len(frames) > _MOST_UNTIMED):
                    break
                if count > _FIRST_FRAME_PACKETS:
                    break
        except (av.FFmpegError, OSError):
            pass
        finally:
            stream.codec_context.flush_buffers()
        said = messages.take()
    if frames:
        limits.refuse_size(path, frames[0].width, frames[0].height)
        timed = next((n for n, frame in enumerate(frames) if frame.pts is not None), len(frames) - 1)
        if container.format.name == "avi":  # has no presentation times
            return _FirstFrames(frames[0], (frames[0].dts,))
        return _FirstFrames(frames[0], tuple(frame.pts for frame in frames[: timed + 1]))
    limits.refuse_refused(path, said)
    raise InputError(
        f"no frame of {path} can be decoded{f': {said[-1]}' if said else ''}", "the file is damaged or not a video"
    )


def _colour(frame: av.VideoFrame) -> Colour:
    full_range = frame.color_range == 2 or frame.format.name.startswith("yuvj")
    return Colour(int(frame.color_primaries), int(frame.color_trc), int(frame.colorspace), full_range)


def _timecode(container: av.container.InputContainer, stream: Any) -> str | None:
    for metadata in (stream.metadata, container.metadata, *(s.metadata for s in container.streams.data)):
        for key in ("timecode", "TIMECODE"):  # Matroska has it in capitals
            if key in metadata:
                return metadata[key]
    return None
