"""FFmpeg: filter graphs that draw the boxes, or cut one object out, driven by commands for sendcmd."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

import numpy as np

from vidtrack.export.scene import Scene, Track
from vidtrack.export.text import hex_colour, identifier, number
from vidtrack.render.style import colour_of

BOXES = "boxes"
_MARGIN = 1.25  # of a crop, times the largest box
_LEAST_CROP = 16  # pixels


def write(scene: Scene) -> dict[str, str]:
    """`boxes.graph` draws all boxes; `NAME.crop.graph` follows one object at a constant size, black while it is away.

    Each reads the commands of the `.cmd` file beside it. Whole pixels, as the filters have them.
    """
    thickness = max(2, round(min(scene.size) / 360))
    filters, commands = [f"sendcmd=f={BOXES}.cmd"], _Commands(scene)
    for track in scene.tracks:
        target = f"drawbox@t{track.id}"
        filters.append(f"{target}=x=0:y=0:w=1:h=1:c=0x{hex_colour(colour_of(track.id))}:t={thickness}:enable=0")
        edges = np.rint(track.boxes_xyxy).astype(int)
        for frame, (left, top, right, bottom) in zip(track.frames.tolist(), edges.tolist(), strict=True):
            values = {"x": left, "y": top, "w": max(1, right - left), "h": max(1, bottom - top)}
            commands.add(frame, target, values)
        for frame, there in track.switches():
            commands.add(frame, target, {"enable": int(there)})
    files = {f"{BOXES}.graph": ",\n".join(filters) + "\n", f"{BOXES}.cmd": commands.text()}
    for track in scene.tracks:
        files |= _crop(scene, track)
    return files


def _crop(scene: Scene, track: Track) -> dict[str, str]:
    name = f"{identifier(track.name)}.crop"
    size = [_even(side * _MARGIN, most) for side, most in zip(track.sizes.max(0).tolist(), scene.size, strict=True)]
    centres = (track.boxes_xyxy[:, :2] + track.boxes_xyxy[:, 2:]) / 2
    corners = np.clip(np.rint(centres - np.array(size) / 2), 0, np.array(scene.size) - size).astype(int)
    commands = _Commands(scene)
    for frame, (x, y) in zip(track.frames.tolist(), corners.tolist(), strict=True):
        commands.add(frame, "crop@c", {"x": x, "y": y})
    for frame, there in track.switches():
        commands.add(frame, "drawbox@away", {"enable": int(not there)})
    x, y = corners[0].tolist()
    graph = (
        f"sendcmd=f={name}.cmd,\ncrop@c=w={size[0]}:h={size[1]}:x={x}:y={y}:exact=1,\n"
        "drawbox@away=c=black:t=fill:enable=0\n"
    )
    return {f"{name}.graph": graph, f"{name}.cmd": commands.text()}


def _even(side: float, most: int) -> int:
    return int(min(max(_LEAST_CROP, -(-side // 2) * 2), most // 2 * 2))


class _Commands:
    """Commands by frame; each comes a quarter of a frame early, as containers round times."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._by_frame: dict[int, list[str]] = defaultdict(list)

    def add(self, frame: int, target: str, values: dict[str, int]) -> None:
        self._by_frame[frame] += [f"{target} {name} {value}" for name, value in values.items()]

    def text(self) -> str:
        lines = (f"{self._time(frame)} {', '.join(self._by_frame[frame])};" for frame in sorted(self._by_frame))
        return "\n".join(lines) + "\n"

    def _time(self, frame: int) -> str:
        if frame <= 0:
            return "0"
        clock = self._scene.clock
        early = (clock.seconds(frame) - clock.seconds(frame - 1)) / 4
        return number(max(Fraction(0), self._scene.container_seconds(frame) - early), 6)
