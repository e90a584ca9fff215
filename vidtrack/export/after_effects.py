"""After Effects keyframe data: text that is pasted onto a layer, two files an object."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from vidtrack.export.scene import Scene, Track
from vidtrack.export.text import file_name, number, rate_label

LAYER_SIZE = 100  # pixels: a scale of 100 % is a box this wide or high, as is a null
_CORNERS = {1: (0, 1), 2: (2, 1), 3: (0, 3), 4: (2, 3)}  # corner pin parameter: columns of xyxy


def write(scene: Scene) -> dict[str, str]:
    """For each track `transform` (position, scale and opacity of a layer of 100 by 100 pixels, such as a null) and
    `corner pin` (corners and opacity of a layer of the size of the composition).
    """
    files = {}
    for track in scene.tracks:
        name = file_name(track.name)
        files[f"{name} transform.txt"] = _document(scene, _transform(scene, track))
        files[f"{name} corner pin.txt"] = _document(scene, _corner_pin(scene, track))
    return files


def _document(scene: Scene, blocks: Iterable[str]) -> str:
    width, height = scene.size
    aspect = number(scene.pixel_aspect, 6)
    header = {
        "Units Per Second": rate_label(scene.constant_rate),
        "Source Width": width,
        "Source Height": height,
        "Source Pixel Aspect Ratio": aspect,
        "Comp Pixel Aspect Ratio": aspect,
    }
    lines = "".join(f"\t{name}\t{value}\n" for name, value in header.items())
    return "\n".join(
        ["Adobe After Effects 8.0 Keyframe Data\n", lines, *blocks, "\nEnd of Keyframe Data\n"]
    )  # fmt: skip


def _transform(scene: Scene, track: Track) -> list[str]:
    frames = track.frames + scene.numbered_from(0)
    points = np.pad(track.points(scene.anchor), ((0, 0), (0, 1)))  # (K, 3), z 0
    scales = np.pad(track.sizes * (100 / LAYER_SIZE), ((0, 0), (0, 1)), constant_values=100)
    return [
        _block("Transform\tPosition", ["X pixels", "Y pixels", "Z pixels"], frames, points),
        _block("Transform\tScale", ["X percent", "Y percent", "Z percent"], frames, scales),
        _opacity(scene, track),
    ]


def _corner_pin(scene: Scene, track: Track) -> list[str]:
    frames = track.frames + scene.numbered_from(0)
    blocks = [
        _block(
            f"Effects\tADBE Corner Pin #1\tADBE Corner Pin-{parameter:04}",
            ["X pixels", "Y pixels"],
            frames,
            track.boxes_xyxy[:, columns],
        )
        for parameter, columns in _CORNERS.items()
    ]
    return [*blocks, _opacity(scene, track)]


def _opacity(scene: Scene, track: Track) -> str:
    keys = np.array(track.linear_switches())  # (S, 2): frame, there
    return _block("Transform\tOpacity", ["percent"], keys[:, 0] + scene.numbered_from(0), keys[:, 1:] * 100)


def _block(title: str, columns: Sequence[str], frames: np.ndarray, values: np.ndarray) -> str:
    rows = [["Frame", *columns]]
    rows += [[str(frame), *map(number, row)] for frame, row in zip(frames.tolist(), values.tolist(), strict=True)]
    return "\n".join([title, *("\t" + "\t".join(row) + "\t" for row in rows), ""])
