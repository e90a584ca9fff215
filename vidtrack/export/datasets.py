"""Dataset formats: MOTChallenge text, COCO JSON with videos and tracks (COCO-VID, TAO), and YOLO text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from vidtrack.export.scene import Scene
from vidtrack.export.text import number

_AT_A_TIME = 10_000  # images that are written at once
_FIRST = 1  # number of MOTChallenge's first pixel, whose edge is our 0


def write_mot(scene: Scene) -> str:
    """`frame,id,left,top,width,height,score,-1,-1,-1`; decoded frames and pixels both count from 1."""
    rows = []
    for track in scene.tracks:
        samples = zip(
            track.indices[track.logged].tolist(),
            track.boxes_xyxy[track.logged].tolist(),
            track.scores[track.logged].tolist(),
            strict=True,
        )
        for index, (left, top, right, bottom), score in samples:
            values = [*map(number, (left + _FIRST, top + _FIRST, right - left, bottom - top, score))]
            rows.append(((index, track.id), f"{index + 1},{track.id},{','.join(values)},-1,-1,-1\n"))
    return "".join(text for _, text in sorted(rows))


def write_coco(scene: Scene) -> Iterator[str]:
    """Images are decoded frames, from 0; boxes are left, top, width, height. Frames without objects are listed too."""
    width, height = scene.size
    categories = {name: number_of for number_of, name in enumerate(_categories(scene), start=1)}
    document = {
        "info": {"description": f"{scene.name}, tracked by vidtrack"},
        "videos": [{"id": 1, "name": scene.name, "file_name": scene.path, "width": width, "height": height}],
        "categories": [{"id": number_of, "name": name} for name, number_of in categories.items()],
        "tracks": [{"id": t.id, "video_id": 1, "category_id": categories[t.label]} for t in scene.tracks],
        "images": [],
        "annotations": _annotations(scene, categories),
    }
    before, opening, after = json.dumps(document, ensure_ascii=False).partition('"images": [')
    yield before + opening
    for first in range(0, scene.decoded_count, _AT_A_TIME):  # a long clip has millions, which are not held at once
        images = (_image(scene, index) for index in range(first, min(first + _AT_A_TIME, scene.decoded_count)))
        yield ", " * (first > 0) + ", ".join(json.dumps(image, ensure_ascii=False) for image in images)
    yield after + "\n"


def write_yolo(scene: Scene) -> dict[str, str]:
    """A file per logged frame, `class x y width height` as fractions of the image, and the classes in data.yaml.

    Files are numbered by decoded frame of the clip as it is.
    """
    names, (width, height) = _categories(scene), scene.size
    lines: dict[int, dict[int, str]] = {index: {} for index in scene.clock.indices.tolist()}  # by frame, then track
    for track in scene.tracks:
        left, top, right, bottom = np.clip(track.boxes_xyxy, 0, [width, height, width, height]).T
        boxes = np.stack([(left + right) / 2 / width, (top + bottom) / 2 / height, (right - left) / width,
                          (bottom - top) / height], 1)  # fmt: skip
        for index, box in zip(track.shown[track.logged].tolist(), boxes[track.logged].tolist(), strict=True):
            values = " ".join(f"{value:.6f}" for value in box)
            lines.setdefault(index, {})[track.id] = f"{names.index(track.label)} {values}\n"
    listed = "".join(f"  {number_of}: {json.dumps(name)}\n" for number_of, name in enumerate(names))
    stem = re.sub(r"[/\\:]", "_", scene.name)
    files = {f"{stem}_{index:06}.txt": "".join(own.values()) for index, own in lines.items()}
    return {"data.yaml": f"nc: {len(names)}\nnames:\n{listed}", **files}


def _image(scene: Scene, index: int) -> dict[str, Any]:
    return {
        "id": index + 1,
        "video_id": 1,
        "frame_index": index,
        "frame_id": index,
        "file_name": f"{scene.name}/{index:06}.jpg",
        "video": scene.name,
        "width": scene.size[0],
        "height": scene.size[1],
    }


def _categories(scene: Scene) -> list[str]:
    return [*scene.class_names, *sorted({track.label for track in scene.tracks} - set(scene.class_names))]


def _annotations(scene: Scene, categories: dict[str, int]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for track in scene.tracks:
        samples = zip(
            track.indices[track.logged].tolist(),
            track.boxes_xyxy[track.logged].tolist(),
            track.scores[track.logged].tolist(),
            strict=True,
        )
        for index, (left, top, right, bottom), score in samples:
            box = [round(value, 3) for value in (left, top, right - left, bottom - top)]
            found.append(
                {
                    "id": len(found) + 1,
                    "image_id": index + 1,
                    "video_id": 1,
                    "track_id": track.id,
                    "instance_id": track.id,
                    "category_id": categories[track.label],
                    "bbox": box,
                    "area": round(box[2] * box[3], 3),
                    "iscrowd": 0,
                    "score": score,
                }
            )
    return found
