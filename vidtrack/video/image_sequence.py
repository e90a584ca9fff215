"""A numbered or globbed set of pictures, read as one clip."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av

from vidtrack.core.errors import InputError
from vidtrack.video.ffmpeg_log import FFmpegMessages, ProblemLog
from vidtrack.video.limits import DEFAULT_LIMITS, Limits

IMAGE_SUFFIXES = frozenset(
    ".avif .bmp .dpx .exr .heic .jp2 .jpeg .jpg .jxl .pbm .pgm .png .ppm .tga .tif .tiff .webp".split()
)
VIDEO_SUFFIXES = frozenset(
    ".3g2 .3gp .asf .avi .dv .f4v .flv .m2ts .m2v .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogv .ts .vob .webm .wmv "
    ".y4m".split()
)
DEFAULT_FRAMERATE = Fraction(25)
LOCAL_ONLY = {"protocol_whitelist": "file,crypto,data"}  # a playlist may name any address; none is called
_PRINTF_NUMBER = re.compile(r"%(0?)(\d{0,2})d")


def is_sequence(path: Path) -> bool:
    """True for a folder, a printf pattern (`img_%04d.png`) or a glob (`img_*.png`) that is not itself a file."""
    return not os.path.isfile(path) and (
        os.path.isdir(path) or bool(_PRINTF_NUMBER.search(path.name)) or _is_glob(path.name)
    )


def image_paths(path: Path) -> list[Path]:
    """The pictures `path` stands for, in numeric order.

    Raises InputError where there is none.
    """
    if path.is_dir():
        found = [p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith(".")]
    elif _PRINTF_NUMBER.search(path.name):
        name = _printf_regex(path.name)
        found = [p for p in path.parent.iterdir() if name.fullmatch(p.name)] if path.parent.is_dir() else []
    else:
        found = [Path(p) for p in glob.glob(str(path))]
        found = [p for p in found if p.suffix.lower() in IMAGE_SUFFIXES]
    if not found:
        what = "is a folder without pictures" if path.is_dir() else "matches no picture"
        raise InputError(f"{path} {what}", "give a video file, a folder of pictures or a pattern such as img_%04d.png")
    return sorted(found, key=_natural_order)


def decode_image(path: Path, limits: Limits) -> tuple[av.VideoFrame, str]:
    """A picture and the name of its codec.

    Raises InputError where it is too large, else one of FFmpegError, OSError, StopIteration or IndexError.
    """
    options = limits.decoder_options
    with FFmpegMessages() as messages:
        try:
            with av.open(file_url(path), options=options, container_options=LOCAL_ONLY) as container:
                stream = container.streams.video[0]
                stream.codec_context.options = options
                frame = next(container.decode(stream))
                codec = stream.codec_context.codec.canonical_name
        except av.FFmpegError:
            limits.refuse_refused(path, messages.take())
            raise
    limits.refuse_size(path, frame.width, frame.height)
    return frame, codec


def sequence_frames(
    paths: list[Path], problems: ProblemLog, framerate: Fraction, first: int = 0, limits: Limits = DEFAULT_LIMITS
) -> Iterator[av.VideoFrame]:
    """Decode the pictures from ordinal `first` on; pts counts 1/framerate, and an unreadable picture leaves a gap."""
    for ordinal in range(first, len(paths)):
        try:
            frame, _ = decode_image(paths[ordinal], limits)
        except (av.FFmpegError, InputError, OSError, StopIteration, IndexError) as error:
            problems.next_index = ordinal
            said = error.message if isinstance(error, InputError) else f"cannot be decoded: {error}"
            problems.add(f"{paths[ordinal].name}: {said}", pts=ordinal)
            continue
        frame.pts = ordinal
        frame.time_base = 1 / framerate
        yield frame


def file_url(path: Path) -> str:
    """The path for FFmpeg, which would take `12:30.mp4` for a protocol."""
    return f"file:{path}"


def _is_glob(name: str) -> bool:
    return any(c in name for c in "*?[")


def _printf_regex(name: str) -> re.Pattern[str]:
    parts: list[str] = []
    end = 0
    for match in _PRINTF_NUMBER.finditer(name):
        parts.append(re.escape(name[end : match.start()]).replace("%%", "%"))
        width = int(match[2] or 1)
        parts.append(rf"\d{{{width},}}" if match[1] else r"\d+")
        end = match.end()
    parts.append(re.escape(name[end:]).replace("%%", "%"))
    return re.compile("".join(parts))


def _natural_order(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", str(path))]
