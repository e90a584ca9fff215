"""Frames of a MOTChallenge folder as picture files: those it has, or its video's, decoded once into a cache."""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2

from vidtrack.core.errors import DataError, OutputError
from vidtrack.video.image_sequence import VIDEO_SUFFIXES


@dataclass(frozen=True)
class ClipFrames:
    """Picture files of a clip in order, the annotation's (width, height), and frames a second."""

    paths: tuple[Path, ...]
    size: tuple[int, int]
    rate: float


def picture_frames(folder: Path) -> ClipFrames | None:
    """The folder's own pictures, or None where it has none."""
    info = sequence_info(folder)
    pictures = folder / info.get("imDir", "img1")
    paths = sorted(pictures.glob(f"*{info.get('imExt', '.jpg')}")) if pictures.is_dir() else []
    return ClipFrames(tuple(paths), _size(info, folder), _rate(info, folder)) if paths else None


def extract_frames(folder: Path, cache: Path, longest: int) -> ClipFrames:
    """Decode the folder's video into JPEG files of at most `longest` pixels a side, unless that is done already."""
    info = sequence_info(folder)
    videos = sorted(path for path in folder.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES)
    if len(videos) != 1:
        raise DataError(f"{folder} has {len(videos)} videos and no pictures", "expected one video, or img1/")
    place = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:8]  # folders of several places are named alike
    target = cache / f"{folder.name}-{place}-{longest}"
    done = target / "done.json"
    if not done.exists():
        _decode(videos[0], target, longest)
    stored = json.loads(done.read_text())
    if stored["video"] != videos[0].name or stored.get("bytes", _bytes(videos[0])) != _bytes(videos[0]):
        raise DataError(f"{target} holds frames of another {stored['video']}", "delete it, or set another data.cache")
    paths = tuple(target / f"{index:06d}.jpg" for index in range(1, stored["frames"] + 1))
    return ClipFrames(paths, _size(info, folder), _rate(info, folder))


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
            picture = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA) if scale < 1 else frame.image
            path = target / f"{count:06d}.jpg"
            if not cv2.imwrite(str(path), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92]):
                raise OutputError(f"{path} cannot be written", "free some space, or set another data.cache")
    with tempfile.NamedTemporaryFile("w", dir=target, delete=False) as partial:
        json.dump({"frames": count, "video": video.name, "bytes": _bytes(video)}, partial)
    os.replace(partial.name, target / "done.json")


def sequence_info(folder: Path) -> dict[str, str]:
    """The `[Sequence]` part of seqinfo.ini, with its keys' case kept."""
    path = folder / "seqinfo.ini"
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        found = bool(parser.read(path, "utf-8")) and "Sequence" in parser
    except (configparser.Error, UnicodeDecodeError):
        found = False
    if not found:
        raise DataError(f"no seqinfo.ini with a [Sequence] part in {folder}", "expected a MOTChallenge folder")
    return dict(parser["Sequence"])


def _size(info: Mapping[str, str], folder: Path) -> tuple[int, int]:
    try:
        size = int(info["imWidth"]), int(info["imHeight"])
    except (KeyError, ValueError):
        size = 0, 0
    if min(size) < 1:
        raise DataError(f"{folder / 'seqinfo.ini'} lacks imWidth and imHeight", "give them in whole pixels")
    return size


def _rate(info: Mapping[str, str], folder: Path) -> float:
    try:
        rate = float(info.get("frameRate", 25))
    except ValueError:
        rate = 0.0
    if not 0 < rate < 1e4:
        raise DataError(f"{folder / 'seqinfo.ini'} has frameRate {info['frameRate']}", "give frames a second")
    return rate


def _bytes(video: Path) -> int:
    return video.stat().st_size
