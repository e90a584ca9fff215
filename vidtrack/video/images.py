"""Single image files decoded, each upright by its own orientation, in values made for displays."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, NamedTuple

import av

from vidtrack.core.errors import InputError
from vidtrack.video.container import LOCAL_ONLY, file_url
from vidtrack.video.ffmpeg_log import FFmpegMessages
from vidtrack.video.limits import Limits
from vidtrack.video.side_data import is_tiled

DECODE_ERRORS = (av.FFmpegError, OSError, StopIteration, IndexError)
_HEIF = frozenset({".heic", ".heif", ".hif"})
IMAGE_SUFFIXES = _HEIF | frozenset(
    ".avif .bmp .dpx .exr .jp2 .jpeg .jpg .jxl .pbm .pgm .png .ppm .tga .tif .tiff .webp".split()
)
_ANIMATED = {".avif": b"avis", ".png": b"acTL"}  # what files with several frames have near their beginning
_TO_SRGB = {"apply_trc": "iec61966_2_1"}  # OpenEXR holds linear light
_HEAD_BYTES = 1 << 16
_WEBP_ANIMATION = 0x02  # flag of a VP8X chunk
_WITH_HEIF = "pip install 'vidtrack[heif]', or convert it to JPEG or PNG"


def is_still_image(path: Path) -> bool:
    """True for a file that is a still image, not a video or an animation."""
    suffix = path.suffix.lower()
    if suffix not in IMAGE_SUFFIXES or not os.path.isfile(path):
        return False
    try:
        head = _head(path)
    except OSError:
        return False  # opening it as a video tells why
    return bool(head) and not (suffix in _ANIMATED and _ANIMATED[suffix] in head)


class DecodedImage(NamedTuple):
    """An image, the name of its codec, and the decoder's complaints, with which parts may be missing."""

    frame: av.VideoFrame
    codec: str
    complaints: tuple[str, ...] = ()


def decode_image(path: Path, limits: Limits) -> DecodedImage:
    """Decode an image.

    Raises InputError if it is too large or of a kind that cannot be read, else one of DECODE_ERRORS.
    """
    suffix = path.suffix.lower()
    if not stat.S_ISREG(path.stat().st_mode):
        raise InputError(f"{path} is not a regular file")
    if suffix == ".webp" and _is_animated_webp(path):
        raise InputError(f"{path} is an animated WebP, which FFmpeg cannot decode", "convert it to a video first")
    if suffix in _HEIF and (frame := _decode_heif(path, limits)) is not None:
        return DecodedImage(frame, "hevc")
    options = limits.decoder_options | (_TO_SRGB if suffix == ".exr" else {})
    with FFmpegMessages() as messages:
        try:
            with av.open(file_url(path), options=options, container_options=LOCAL_ONLY) as container:
                if suffix in _HEIF or suffix == ".avif":
                    _refuse_parts(path, container)
                stream = container.streams.video[0]
                if stream.codec_context is None:
                    raise InputError(f"{path} has a format that this FFmpeg cannot decode", "convert it to PNG")
                stream.codec_context.options = options
                frame = next(container.decode(stream))
                codec = stream.codec_context.codec.canonical_name
                complaints = tuple(messages.take({stream.codec_context.name}))
        except av.FFmpegError:
            limits.refuse_refused(path, messages.take())
            raise
    limits.refuse_size(path, frame.width, frame.height)
    return DecodedImage(frame, codec, complaints)


def _decode_heif(path: Path, limits: Limits) -> av.VideoFrame | None:
    """A HEIC image by libheif, which puts tiles together and crops; None if that is not installed."""
    try:
        import pi_heif
    except ImportError:
        return None
    try:
        image: Any = pi_heif.open_heif(path)
        limits.refuse_size(path, *image.size)
        pixels = image.to_pillow().convert("RGB")
    except (ValueError, RuntimeError, SyntaxError, EOFError) as error:
        raise OSError(str(error)) from error
    frame = av.VideoFrame(pixels.width, pixels.height, "rgb24")
    frame.planes[0].update(_padded_rows(pixels.tobytes(), 3 * pixels.width, frame.planes[0].line_size))
    return frame


def _padded_rows(data: bytes, row: int, stride: int) -> bytes:
    if row == stride:
        return data
    return b"".join(data[start : start + row].ljust(stride, b"\0") for start in range(0, len(data), row))


def _refuse_parts(path: Path, container: av.container.InputContainer) -> None:
    """Raise InputError for an image of which FFmpeg's first stream is only a part, or more than what is shown."""
    hint = _WITH_HEIF if path.suffix.lower() in _HEIF else "convert it to JPEG or PNG"
    if is_tiled(container):
        raise InputError(f"{path} is stored as tiles, which FFmpeg gives one by one", hint)
    if b"clap" in _head(path):
        raise InputError(f"{path} is cropped (clap), which FFmpeg ignores", hint)


def _is_animated_webp(path: Path) -> bool:
    head = _head(path)
    return head[8:16] == b"WEBPVP8X" and len(head) > 20 and bool(head[20] & _WEBP_ANIMATION)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)
