"""Tracks from annotation tools: CVAT's XML for video and for images, and Label Studio's JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import numpy as np

from vidtrack.core.class_names import one_line
from vidtrack.core.errors import DataError

_FARTHEST = 1e6  # pixels, and frames, beyond any clip
_MOST_FRAMES = 10**9


@dataclass(frozen=True)
class AnnotatedTrack:
    """One object by K keys: a box at a frame, and whether it lasts, changing evenly, until the next key.

    `frames` rise; they are decoded frames from 0, or with a `rate` frames of a timeline. `shown` tells whether the box
    of the key itself counts. The last key lasts for its own frame only, unless it `lasts`: then to the end of the clip.
    """

    label: str
    frames: np.ndarray  # (K,) int64
    boxes_xyxy: np.ndarray  # (K, 4) float64, pixels
    shown: np.ndarray  # (K,) bool
    lasts: np.ndarray  # (K,) bool

    def at(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which of these frames (F,) show the object, as a mask, and its boxes in those (M, 4)."""
        before = np.searchsorted(self.frames, frames, side="right") - 1
        known = before >= 0
        key, after = np.maximum(before, 0), np.minimum(before + 1, len(self.frames) - 1)
        on_key = self.frames[key] == frames
        there = known & np.where(on_key, self.shown[key], self.lasts[key])
        span = np.maximum(self.frames[after] - self.frames[key], 1)
        share = np.where(after > key, (frames - self.frames[key]) / span, 0.0)[there, None]
        return there, (1 - share) * self.boxes_xyxy[key[there]] + share * self.boxes_xyxy[after[there]]


@dataclass(frozen=True)
class AnnotatedClip:
    """The tracks of one clip; `on_timeline` if frames count a constant rate, not decoded frames."""

    tracks: tuple[AnnotatedTrack, ...]
    on_timeline: bool


def read_annotated(path: Path, size: tuple[int, int]) -> AnnotatedClip:
    """Read the tracks of a CVAT or Label Studio file for a clip of `size` (width, height).

    Raises DataError for a file that is neither, is damaged or has several clips.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from None
    try:
        if text.lstrip().startswith("<"):
            return AnnotatedClip(tuple(_cvat_tracks(text, path)), on_timeline=False)
        return AnnotatedClip(tuple(_label_studio_tracks(json.loads(text), path, size)), on_timeline=True)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError, Xml.ParseError) as error:
        fault = f"{type(error).__name__}: {error}"
        raise DataError(f"{path} is not a CVAT or Label Studio file of tracks ({fault})", _HOW) from None


_HOW = "export CVAT for video 1.1, or Label Studio's JSON"


def _cvat_tracks(text: str, path: Path) -> Iterator[AnnotatedTrack]:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise DataError(f"{path} defines entities, which CVAT does not write", _HOW)
    root = Xml.fromstring(text)
    if root.tag != "annotations":
        raise DataError(f"{path} is not a CVAT file: its root is <{one_line(root.tag)[:40]}>", _HOW)
    for track in root.iter("track"):
        yield _cvat_track(track.get("label", ""), [(int(box.attrib["frame"]), box) for box in track.iter("box")], path)
    by_track: dict[tuple[str, str], list[tuple[int, Xml.Element]]] = {}
    for image in root.iter("image"):
        for box in image.iter("box"):
            named = [own.text or "" for own in box.iter("attribute") if own.get("name") == "track_id"]
            if not named:
                raise DataError(f"{path} has boxes without tracks (CVAT for images)", "export CVAT for video 1.1")
            by_track.setdefault((named[0], box.attrib["label"]), []).append((int(image.attrib["id"]), box))
    for (_, label), boxes in by_track.items():
        yield _cvat_track(label, boxes, path, sparse=True)


def _cvat_track(label: str, boxes: list[tuple[int, Xml.Element]], path: Path, sparse: bool = False) -> AnnotatedTrack:
    """`sparse` boxes stand for their own frames only."""
    shown = [box.get("outside", "0") != "1" for _, box in boxes]
    corners = [_cvat_corners(box) for _, box in boxes]
    lasts = [False] * len(shown) if sparse else [*shown[:-1], False] if shown else []
    return _track(label, [frame for frame, _ in boxes], corners, shown, lasts, path)


def _cvat_corners(box: Xml.Element) -> list[float]:
    left, top, right, bottom = (float(box.attrib[name]) for name in ("xtl", "ytl", "xbr", "ybr"))
    angle = math.radians(float(box.get("rotation") or 0))  # clockwise about the centre
    return _enclosing((left + right) / 2, (top + bottom) / 2, right - left, bottom - top, angle)


def _enclosing(x: float, y: float, width: float, height: float, angle: float) -> list[float]:
    """The upright box, as corners, around one with its centre at (x, y) that is turned by `angle` radians."""
    cosine, sine = abs(math.cos(angle)), abs(math.sin(angle))
    width, height = abs(width), abs(height)
    across, down = (width * cosine + height * sine) / 2, (width * sine + height * cosine) / 2
    return [x - across, y - down, x + across, y + down]


def _label_studio_tracks(value: Any, path: Path, size: tuple[int, int]) -> Iterator[AnnotatedTrack]:
    tasks = value if isinstance(value, list) else [value]
    if len(tasks) != 1:
        raise DataError(f"{path} holds {len(tasks)} tasks, not that of one clip", "export the task of the clip alone")
    regions = _regions(tasks[0])
    if not regions and not (tasks[0].get("annotations") or tasks[0].get("predictions")):
        raise DataError(f"{path} holds no tracks", _HOW)
    for region in regions:
        labels = region.get("labels") or region.get("videorectangle") or [""]
        keys = sorted(region["sequence"], key=lambda key: key["frame"])
        corners = [_label_studio_corners(key, size) for key in keys]
        lasts = [bool(key.get("enabled", True)) for key in keys]
        yield _track(labels[0], [int(key["frame"]) - 1 for key in keys], corners, [True] * len(keys), lasts, path)


def _regions(task: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Values of the video rectangles: of the last annotation, else the last prediction, or of a minimal export."""
    results = [entry["result"] for entry in (task.get("annotations") or task.get("predictions") or [])[-1:]]
    if results:
        return [own["value"] for own in results[0] if own.get("type") == "videorectangle"]
    return [own for entries in task.values() if isinstance(entries, list) for own in entries if "sequence" in own]


def _label_studio_corners(key: Mapping[str, Any], size: tuple[int, int]) -> list[float]:
    x, y, width, height = (float(key[name]) / 100 for name in ("x", "y", "width", "height"))
    left, top, across, down = x * size[0], y * size[1], width * size[0], height * size[1]
    angle = math.radians(float(key.get("rotation") or 0))  # clockwise about the top left corner
    x = left + (across * math.cos(angle) - down * math.sin(angle)) / 2
    y = top + (across * math.sin(angle) + down * math.cos(angle)) / 2
    return _enclosing(x, y, across, down, angle)


def _track(
    label: Any, frames: list[int], corners: list[list[float]], shown: list[bool], lasts: list[bool], path: Path
) -> AnnotatedTrack:
    name = one_line(label) if isinstance(label, str) else ""
    boxes = np.array(corners, np.float64).reshape(-1, 4)
    if not name or not frames:
        raise DataError(f"{path} has a track without a label or without boxes", "delete it in the annotation tool")
    if not (np.abs(boxes) <= _FARTHEST).all() or min(frames) < 0 or max(frames) > _MOST_FRAMES:
        raise DataError(f"{path}: a box of {name!r} lies outside any clip")
    numbers, first = np.unique(np.array(frames, np.int64), return_index=True)
    ordered = np.concatenate([np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])], 1)
    return AnnotatedTrack(name, numbers, ordered[first], np.array(shown)[first], np.array(lasts)[first])
