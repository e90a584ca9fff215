"""Where a result came from: the header of a track log."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from vidtrack.core.errors import InputError
from vidtrack.core.types import VideoInfo
from vidtrack.tracklog.metadata import utc_now, version_of
from vidtrack.tracklog.schema import SCHEMA_NAME, SCHEMA_VERSION
from vidtrack.video.image_sequence import image_paths, is_sequence

WHOLE_FILE_BYTES = 256 << 20  # larger files are sampled: reading 100 GB to name it would double the disk's work
SAMPLE_BYTES = 1 << 20
SAMPLES = 64
_LIBRARIES = ("torch", "torchvision", "av", "opencv-python-headless", "opencv-python", "numpy")


@dataclass(frozen=True)
class ContentHash:
    """What names the content of an input, whatever its file is called."""

    method: str
    value: str

    def to_dict(self) -> dict[str, str]:
        """The form it has in a header."""
        return {"method": self.method, "value": self.value}


def hash_content(paths: Sequence[Path]) -> ContentHash:
    """Name the content of a file, or of the pictures of a sequence.

    `sha256` is of a single file of at most WHOLE_FILE_BYTES. `sha256-sampled` is of, for each file in turn, its size
    (8 bytes, little-endian) and the first SAMPLE_BYTES at each of n evenly spaced places, the first and the last
    possible among them; n is SAMPLES shared out over the files, at least 2. Raises InputError for an unreadable file.
    """
    digest = hashlib.sha256()
    try:
        if len(paths) == 1 and paths[0].stat().st_size <= WHOLE_FILE_BYTES:
            with paths[0].open("rb") as stream:
                return ContentHash("sha256", hashlib.file_digest(stream, "sha256").hexdigest())
        for path in paths:
            _add_samples(digest, path, max(2, SAMPLES // len(paths)))
    except OSError as error:
        raise InputError(f"{error.filename or paths[0]} cannot be read: {error.strerror}") from None
    return ContentHash("sha256-sampled", digest.hexdigest())


def is_source(path: Path, source: Mapping[str, Any]) -> bool:
    """Whether a file or image sequence has the content of a log's clip; one that cannot be read has not."""
    try:
        content = hash_content(image_paths(path) if is_sequence(path) else [path])
    except InputError:
        return False
    return source.get("hash") == content.to_dict()


def find_source(source: Mapping[str, Any], log_path: Path) -> Path | None:
    """The clip of a log, or None: under the name it was tracked by, from here or a folder above the log, or beside it.

    Where several are there, the one with the log's content goes first.
    """
    if not source["path"]:
        return None
    named = Path(source["path"])
    places = [named]
    if name := Path(str(named).replace("\\", "/")).name:  # `.` is no name, and another folder than it was
        places += [log_path.parent / name, *(folder / named for folder in log_path.absolute().parents)]
    there: dict[str, Path] = {}
    for place in places:
        if _is_there(place):
            there.setdefault(os.path.realpath(place), place)
    if len(there) > 1:
        return next((place for place in there.values() if is_source(place, source)), next(iter(there.values())))
    return next(iter(there.values()), None)


def _is_there(path: Path) -> bool:
    if not is_sequence(path):
        return os.path.isfile(path)
    try:
        return bool(image_paths(path))
    except InputError:
        return False


def hash_parameters(parameters: Mapping[str, Any]) -> str:
    """sha256 of parameters as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(parameters, sort_keys=True, allow_nan=False).encode()).hexdigest()


def log_header(
    info: VideoInfo,
    content: ContentHash,
    parameters: Mapping[str, Any],
    model: Mapping[str, Any],
    device: str,
    precision: str,
) -> dict[str, Any]:
    """The first line of a track log; `model` holds name, sha256 and classes."""
    return {
        "type": "header",
        "schema": f"{SCHEMA_NAME}/{SCHEMA_VERSION}",
        "tool": {"name": "vidtrack", "version": version_of("vidtrack")},
        "created": utc_now(),
        "run": {
            "parameters": dict(parameters),
            "parameters_sha256": hash_parameters(parameters),
            "device": device,
            "precision": precision,
            "versions": {name: found for name in _LIBRARIES if (found := version_of(name, ""))},
        },
        "model": dict(model),
        "source": _source(info, content),
        "coords": {"origin": "top-left", "unit": "px", "space": "display", "box": "xyxy"},
    }


def _source(info: VideoInfo, content: ContentHash) -> dict[str, Any]:
    colour = info.colour
    return {
        "path": str(info.path),
        "bytes": info.file_bytes,
        "hash": content.to_dict(),
        "container": info.container,
        "stream": info.stream,
        "codec": info.codec,
        "pixel_format": info.pixel_format,
        "coded_size": list(info.coded_size),
        "size": list(info.size),
        "crop": list(info.crop),
        "mirrored": info.mirrored,
        "rotation": info.rotation,
        "sample_aspect_ratio": _rational(info.sample_aspect_ratio),
        "time_base": _rational(info.time_base),
        "start_pts": info.start_pts,
        "container_start": _rational(info.container_start_seconds),
        "average_rate": _rational(info.average_rate),
        "frame_count": info.frame_count,
        "duration": _rational(info.duration_seconds),
        "interlaced": info.interlaced,
        "timecode": info.timecode,
        "numbering": None if info.numbering is None else asdict(info.numbering),
        "audio": [asdict(stream) for stream in info.audio],
        "colour": {
            "primaries": colour.primaries,
            "transfer": colour.transfer,
            "matrix": colour.matrix,
            "full_range": colour.full_range,
        },
    }


def _rational(value: Fraction | None) -> list[int] | None:
    return None if value is None else [value.numerator, value.denominator]


def _add_samples(digest: Any, path: Path, samples: int) -> None:
    size = path.stat().st_size
    digest.update(size.to_bytes(8, "little"))
    last = max(0, size - SAMPLE_BYTES)
    with path.open("rb") as stream:
        for place in sorted({last * n // (samples - 1) for n in range(samples)}):
            stream.seek(place)
            digest.update(stream.read(SAMPLE_BYTES))
