"""Where a result comes from: content hashes, and the header of a new log."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vidtrack.core.errors import InputError
from vidtrack.core.metadata import utc_now, version_of
from vidtrack.core.types import VideoInfo
from vidtrack.tracklog.header import ContentHash, Header, ModelInfo, Run, Source
from vidtrack.video.image_sequence import image_paths, is_sequence

WHOLE_FILE_BYTES = 256 << 20  # larger files are sampled: reading all of 100 GB would double the disk's work
SAMPLE_BYTES = 1 << 20
SAMPLES = 64
_LIBRARIES = ("torch", "torchvision", "av", "opencv-python-headless", "opencv-python", "numpy")


def hash_content(paths: Sequence[Path]) -> ContentHash:
    """Hash the content of a file, or of the images of a sequence.

    `sha256` covers a single file of at most WHOLE_FILE_BYTES. `sha256-sampled` covers, for each file in turn, its size
    (8 bytes, little-endian) and SAMPLE_BYTES at each of n evenly spaced offsets, the first and the last possible
    included; n is SAMPLES divided by the number of files, at least 2. Raises InputError for an unreadable file.
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


def is_source(path: Path, source: Source) -> bool:
    """Whether a file or image sequence has the content of a log's clip; False for one that cannot be read."""
    try:
        return hash_content(image_paths(path) if is_sequence(path) else [path]) == source.hash
    except InputError:
        return False


def find_source(source: Source, log_path: Path) -> Path | None:
    """The clip of a log, or None: by the path it was tracked under, from here or a folder above the log, or beside it.

    If several exist, the one with the content of the log's clip is preferred.
    """
    if not source.path:
        return None
    named = Path(source.path)
    candidates = [named]
    if name := Path(str(named).replace("\\", "/")).name:  # `.` has no name, and means another folder by now
        candidates += [log_path.parent / name, *(folder / named for folder in log_path.absolute().parents)]
    found: dict[str, Path] = {}
    for candidate in candidates:
        if _exists(candidate):
            found.setdefault(os.path.realpath(candidate), candidate)
    if len(found) > 1:
        return next((path for path in found.values() if is_source(path, source)), next(iter(found.values())))
    return next(iter(found.values()), None)


def path_for_log(clip: Path, log: Path) -> Path:
    """How a log names its clip: as given if `find_source` finds that from any folder, else relative to the log."""
    if clip.is_absolute() or not _exists(clip):
        return clip
    folder = Path(os.path.abspath(log)).parent  # without `..`, which has parents of its own
    real_folder = Path(os.path.realpath(log.parent))  # links have other parents than what they point to
    if all(_is_found_from(above, clip) for above in (folder, real_folder)):
        return clip
    try:
        return Path(os.path.relpath(os.path.join(os.path.realpath(clip.parent), clip.name), real_folder))
    except ValueError:  # another drive
        return clip.absolute()


def _is_found_from(folder: Path, clip: Path) -> bool:
    """Whether `find_source` finds a clip for a log in `folder`, wherever it runs."""
    places = (folder / clip.name, *(above / clip for above in (folder, *folder.parents)))
    real = os.path.realpath(clip)
    return any(os.path.realpath(place) == real for place in places)


def _exists(path: Path) -> bool:
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
    model: ModelInfo,
    device: str,
    precision: str,
) -> Header:
    """The header of a new log."""
    versions = {name: found for name in _LIBRARIES if (found := version_of(name, ""))}
    return Header(
        created=utc_now(),
        run=Run(dict(parameters), hash_parameters(parameters), device, precision, versions),
        model=model,
        source=_source(info, content),
        tool_version=version_of("vidtrack"),
    )


def _source(info: VideoInfo, content: ContentHash) -> Source:
    return Source(
        path=str(info.path),
        bytes=info.file_bytes,
        hash=content,
        container=info.container,
        codec=info.codec,
        pixel_format=info.pixel_format,
        coded_size=info.coded_size,
        size=info.size,
        rotation=info.rotation,
        sample_aspect_ratio=info.sample_aspect_ratio,
        time_base=info.time_base,
        start_pts=info.start_pts,
        average_rate=info.average_rate,
        frame_count=info.frame_count,
        duration_seconds=info.duration_seconds,
        interlaced=info.interlaced,
        timecode=info.timecode,
        audio=info.audio,
        colour=info.colour,
        stream=info.stream,
        crop=info.crop,
        mirrored=info.mirrored,
        container_start_seconds=info.container_start_seconds,
        numbering=info.numbering,
    )


def _add_samples(digest: Any, path: Path, samples: int) -> None:
    size = path.stat().st_size
    digest.update(size.to_bytes(8, "little"))
    last = max(0, size - SAMPLE_BYTES)
    with path.open("rb") as stream:
        for offset in sorted({last * n // (samples - 1) for n in range(samples)}):
            stream.seek(offset)
            digest.update(stream.read(SAMPLE_BYTES))
