"""Which encoders, containers and settings may go together."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np
from av.codec import Codec
from av.codec.codec import UnknownCodecError

from vidtrack.core.errors import UsageError
from vidtrack.video.colour import bit_depth

_X264_PRESETS = tuple("ultrafast superfast veryfast faster fast medium slow slower veryslow placebo".split())
CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}


@dataclass(frozen=True)
class VideoCodec:
    """An encoder with defaults that suit annotated footage; crf and presets are None or empty if it has none."""

    name: str
    encoder: str
    pixel_format: str = "yuv420p"
    deep_format: str | None = None  # for clips with more than 8 bits per sample; None if players take no such form
    containers: tuple[str, ...] = ("mp4", "mov", "matroska")
    crf: float | None = None
    crf_max: float = 63
    preset: str | None = None
    preset_option: str = "preset"
    presets: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    tag: str | None = None  # four-character code players look for in MP4 and MOV

    @property
    def is_deep(self) -> bool:
        """True if more than 8 bits per sample are encoded."""
        return bit_depth(self.pixel_format) > 8

    def encoder_options(self, crf: float | None, preset: str | None) -> dict[str, str]:
        """Options for the encoder; raises UsageError for a crf or preset that it does not support."""
        if crf is not None and self.crf is None:
            raise UsageError(f"codec {self.name} has no crf", "omit it, or choose h264, hevc, av1 or vp9")
        if crf is not None and not 0 <= crf <= self.crf_max:
            raise UsageError(f"crf is {crf:g}", f"codec {self.name} takes 0 (best) to {self.crf_max:g} (smallest)")
        if preset is not None and preset not in self.presets:
            choices = f"choose {', '.join(self.presets)}" if self.presets else "omit it"
            raise UsageError(f"codec {self.name} has no preset {preset!r}", choices)
        options = dict(self.options)
        if self.encoder == "libx264" and _has_avx512():
            options["x264-params"] = _REPEATABLE
        if self.crf is not None:
            options["crf"] = f"{self.crf if crf is None else crf:g}"
        if self.preset is not None or preset is not None:
            options[self.preset_option] = str(preset or self.preset)
        return options


# With AVX-512, x264 reads uninitialised memory unless the height is a multiple of 16: equal runs would differ.
_REPEATABLE = "asm=AVX2"
_CODECS = {
    codec.name: codec
    for codec in (
        VideoCodec("h264", "libx264", crf=20, crf_max=51, preset="veryfast", presets=_X264_PRESETS),
        VideoCodec(
            "hevc", "libx265", deep_format="yuv420p10le", crf=23, crf_max=51, preset="fast", presets=_X264_PRESETS,
            options=(("x265-params", "log-level=error"),), tag="hvc1",
        ),
        VideoCodec(
            "av1", "libsvtav1", deep_format="yuv420p10le", crf=30, preset="8", presets=tuple(map(str, range(14))),
            containers=("mp4", "mov", "matroska", "webm"),
        ),
        VideoCodec(
            "vp9", "libvpx-vp9", crf=31, preset="5", presets=tuple(map(str, range(9))), preset_option="cpu-used",
            containers=("mp4", "matroska", "webm"), options=(("b", "0"), ("row-mt", "1"), ("deadline", "good")),
        ),
        VideoCodec("prores", "prores_ks", "yuv422p10le", "yuv422p10le", ("mov", "matroska")),
        VideoCodec(
            "prores4444", "prores_aw", "yuva444p10le", "yuva444p10le", ("mov", "matroska"),
            options=(("profile", "4"),), tag="ap4h",
        ),
        VideoCodec("ffv1", "ffv1", "bgr0", "gbrp16le", ("mov", "matroska")),
        VideoCodec("mjpeg", "mjpeg", "yuv420p", options=(("strict", "unofficial"),)),
    )
}  # fmt: skip
_ALIASES = {"h265": "hevc", "x264": "h264", "x265": "hevc", "avc": "h264", "libx264": "h264", "libx265": "hevc"}


def library_versions() -> dict[str, str]:
    """Versions of PyAV and of the FFmpeg libraries in it."""
    libraries = {name: ".".join(map(str, version)) for name, version in av.library_versions.items()}
    return {"av": av.__version__, **libraries}


def available_codecs() -> list[str]:
    """Names that `codec_for` takes on this installation."""
    return [name for name, codec in _CODECS.items() if _encoder(codec.encoder)]


def suffix_for(name: str | None) -> str:
    """The file extension for a codec: .mp4 if MP4 can hold it."""
    codec = _CODECS.get(_ALIASES.get((name or "h264").lower(), (name or "h264").lower()))
    containers = ("mp4",) if codec is None else codec.containers
    return next(suffix for suffix, container in CONTAINERS.items() if container in containers)


def container_format(path: Path) -> str:
    """FFmpeg's format name for an output's extension."""
    try:
        return CONTAINERS[path.suffix.lower()]
    except KeyError:
        raise UsageError(
            f"{path.name} has no known video extension", f"choose one of {', '.join(CONTAINERS)}"
        ) from None


def codec_for(name: str | None, path: Path, deep: bool = False) -> VideoCodec:
    """The codec of that name, or the container's default; any encoder of this FFmpeg build is accepted too.

    `deep` picks the codec's form with more than 8 bits per sample, if it has one. Raises UsageError if the name is
    unknown, not in this build or not supported by the output's container.
    """
    container = container_format(path)
    name = (name or ("vp9" if container == "webm" else "hevc" if deep else "h264")).lower()
    name = _ALIASES.get(name, name)
    codec = _CODECS.get(name)
    if codec is None:
        encoder = _encoder(name)
        if encoder is None:
            near = difflib.get_close_matches(name, [*available_codecs(), *_ALIASES], n=1)
            did_you_mean = f"did you mean {near[0]}? " if near else ""
            available = ", ".join(available_codecs())
            raise UsageError(f"unknown video codec {name!r}", f"{did_you_mean}available: {available}")
        formats = [f.name for f in encoder.video_formats or []]
        known = "yuv420p" if "yuv420p" in formats or not formats else formats[0]
        return VideoCodec(name, name, known, containers=(container,))
    if _encoder(codec.encoder) is None:
        raise UsageError(f"codec {name} is not in this FFmpeg build", f"available: {', '.join(available_codecs())}")
    if container not in codec.containers:
        suffixes = ", ".join(s for s, c in CONTAINERS.items() if c in codec.containers)
        raise UsageError(f"a {path.suffix} file cannot hold {name}", f"choose {suffixes} or another codec")
    return replace(codec, pixel_format=codec.deep_format) if deep and codec.deep_format else codec


def _encoder(name: str) -> Codec | None:
    try:
        codec = Codec(name, "w")
    except UnknownCodecError:
        return None
    return codec if codec.type == "video" else None


def _has_avx512() -> bool:
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    return any(name.startswith(("AVX512", "X86_V4")) for name in found)
