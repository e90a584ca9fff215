"""Frames of a MOTChallenge folder as picture files: those it has, or its video's, decoded once into a cache."""

from __future__ import annotations

import configparser
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2

from vidtrack.errors import DataError

VIDEO_SUFFIXES = (".mp4", ".mkv", ".avi", ".mov", ".webm")


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
    return ClipFrames(tuple(paths), _size(info, folder), float(info.get("frameRate", 25))) if paths else None


def extract_frames(folder: Path, cache: Path, longest: int) -> ClipFrames:
    """Decode the folder's video into JPEG files of at most `longest` pixels a side, unless that is done already."""
    info = sequence_info(folder)
    videos = sorted(path for path in folder.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES)
    if len(videos) != 1:
        raise DataError(f"{folder} has {len(videos)} videos and no pictures", "expected one video, or img1/")
    target = cache / f"{folder.name}-{longest}"
    done = target / "done.json"
    if not done.exists():
        _decode(videos[0], target, longest)
    count = json.loads(done.read_text())["frames"]
    paths = tuple(target / f"{index:06d}.jpg" for index in range(1, count + 1))
    return ClipFrames(paths, _size(info, folder), float(info.get("frameRate", 25)))


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
            cv2.imwrite(str(target / f"{count:06d}.jpg"), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    with tempfile.NamedTemporaryFile("w", dir=target, delete=False) as partial:
        json.dump({"frames": count, "video": video.name}, partial)
    os.replace(partial.name, target / "done.json")


def sequence_info(folder: Path) -> dict[str, str]:
    """The `[Sequence]` part of seqinfo.ini, with its keys' case kept."""
    path = folder / "seqinfo.ini"
    parser = configparser.ConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    if not parser.read(path) or "Sequence" not in parser:
        raise DataError(f"no seqinfo.ini with a [Sequence] part in {folder}", "expected a MOTChallenge folder")
    return dict(parser["Sequence"])


def _size(info: dict[str, str], folder: Path) -> tuple[int, int]:
    try:
        return int(info["imWidth"]), int(info["imHeight"])
    except (KeyError, ValueError):
        raise DataError(f"{folder / 'seqinfo.ini'} lacks imWidth and imHeight") from None
