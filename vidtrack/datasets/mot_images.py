"""Frames of a MOTChallenge folder as image files: its own, or those of its video, decoded once into a cache."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2

from vidtrack.core.errors import DataError, OutputError
from vidtrack.core.wording import plural
from vidtrack.datasets.mot import SequenceInfo, read_sequence_info

_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
_DEFAULT_RATE = 25.0  # frames per second of a folder that does not say


@dataclass(frozen=True)
class FrameCache:
    """Where decoded video frames are kept, and the longest side in pixels they are kept at."""

    folder: Path
    longest: int


@dataclass(frozen=True)
class ClipFrames:
    """Image files of a clip by frame number, from 1, and the annotation's (width, height)."""

    folder: Path
    paths: Mapping[int, Path]
    size: tuple[int, int]
    frames_per_second: float


def sequence_images(folder: Path, cache: FrameCache) -> ClipFrames:
    """The images of a sequence, by the number in their names, or the frames of its video.

    Raises DataError if they contradict each other or seqinfo.ini.
    """
    info_file = folder / "seqinfo.ini"
    info = read_sequence_info(info_file) if info_file.is_file() else SequenceInfo(folder.name, None, None, None)
    place, paths = folder / info.image_folder, _numbered_images(folder, info)
    if not paths:
        place, paths = _extract_frames(folder, cache)
    expected = range(1, 1 + (info.frames or max(paths)))
    if strange := sorted(set(paths) - set(expected)):
        raise DataError(f"{place} has an image of frame {strange[0]}", f"frames are numbered 1 to {expected[-1]}")
    if info.frames and (missing := sorted(set(expected) - set(paths))):
        raise DataError(
            f"{place} has no image of frame {missing[0]}, {info_file} says seqLength {info.frames}",
            f"{plural(len(missing), 'image')} missing; images are matched by the number in their name",
        )
    size = info.size or _size_of(next(iter(paths.values())))
    return ClipFrames(place, paths, size, info.frames_per_second or _DEFAULT_RATE)


def _numbered_images(folder: Path, info: SequenceInfo) -> dict[int, Path]:
    """Image files by the last number in their names; empty without such files."""
    images = folder / info.image_folder
    if not images.is_dir():
        return {}
    suffixes = _IMAGE_SUFFIXES if info.image_suffix is None else (info.image_suffix.lower(),)
    found: dict[int, Path] = {}
    for path in sorted(images.iterdir()):
        if path.suffix.lower() not in suffixes or path.name.startswith("."):
            continue
        numbers = re.findall(r"\d+", path.stem)
        if not numbers:
            raise DataError(f"{path} has no frame number in its name", "expected names such as 000001.jpg")
        frame = int(numbers[-1])
        if frame in found:
            raise DataError(f"{path} and {found[frame].name} are both frame {frame}", "keep one of them")
        found[frame] = path
    return found


def _size_of(path: Path) -> tuple[int, int]:
    image = cv2.imread(str(path))
    if image is None:
        raise DataError(f"cannot read image {path}", "give imWidth and imHeight in seqinfo.ini")
    return image.shape[1], image.shape[0]


def _extract_frames(folder: Path, cache: FrameCache) -> tuple[Path, dict[int, Path]]:
    """Decode the folder's video into JPEG files in the cache, unless that is done already."""
    from vidtrack.video.image_sequence import VIDEO_SUFFIXES  # here, so that images train without PyAV

    videos = sorted(path for path in folder.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES)
    if len(videos) != 1:
        raise DataError(f"{folder} has {len(videos)} videos and no images", "expected one video, or img1/")
    key = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:8]  # folders in several places share names
    target = cache.folder / f"{folder.name}-{key}-{cache.longest}"
    done = target / "done.json"
    if not done.exists():
        _decode(videos[0], target, cache.longest)
    stored = json.loads(done.read_text())
    if stored["video"] != videos[0].name or stored.get("bytes", _bytes(videos[0])) != _bytes(videos[0]):
        raise DataError(f"{target} holds frames of another {stored['video']}", "delete it, or set another data.cache")
    return videos[0], {index: target / f"{index:06d}.jpg" for index in range(1, stored["frames"] + 1)}


def _decode(video: Path, target: Path, longest: int) -> None:
    from vidtrack.video.reader import VideoReader

    target.mkdir(parents=True, exist_ok=True)
    count = 0
    with VideoReader(video) as reader:
        for frame in reader:
            count += 1
            height, width = frame.image.shape[:2]
            scale = min(1.0, longest / max(width, height))
            size = (round(width * scale), round(height * scale))
            image = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA) if scale < 1 else frame.image
            path = target / f"{count:06d}.jpg"
            if not cv2.imwrite(str(path), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92]):
                raise OutputError(f"cannot write {path}", "free some space, or set another data.cache")
    with tempfile.NamedTemporaryFile("w", dir=target, delete=False) as partial:
        json.dump({"frames": count, "video": video.name, "bytes": _bytes(video)}, partial)
    os.replace(partial.name, target / "done.json")


def _bytes(video: Path) -> int:
    return video.stat().st_size
