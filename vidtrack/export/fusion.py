"""DaVinci Fusion: for each object an animated point to connect to, and a rectangle mask that follows its box."""

from __future__ import annotations

import json
from collections.abc import Iterable

from vidtrack.export.scene import Scene, Track
from vidtrack.export.text import identifier, number


def write(scene: Scene) -> str:
    """Tools to paste into a composition; points from 0 to 1 from the bottom left.

    A mask's width and height are relative to the image: Resolve's effect Colored Border frames a 16:9 image
    with a RectangleMask of width 1 and height 1.
    """
    tools = "".join(_tools(scene, track, place) for place, track in enumerate(scene.tracks))
    return f"{{\n\tTools = ordered() {{\n{tools}\t}}\n}}\n"


def _tools(scene: Scene, track: Track, place: int) -> str:
    first = scene.numbered_from(0)
    width, height = scene.size
    name = identifier(track.name)
    left, top, right, bottom = track.boxes_xyxy.T
    points = track.points(scene.anchor)
    frames = (track.frames + first).tolist()

    def spline(suffix: str, values: Iterable[float]) -> str:
        return _spline(f"{name}{suffix}", zip(frames, values, strict=True))

    level = ((first + frame, float(there)) for frame, there in track.linear_switches())
    return "".join(
        [
            spline("X", (points[:, 0] / width).tolist()),
            spline("Y", (1 - points[:, 1] / height).tolist()),
            _path(name, "X", "Y"),
            spline("BoxX", ((left + right) / 2 / width).tolist()),
            spline("BoxY", (1 - (top + bottom) / 2 / height).tolist()),
            _path(f"{name}Box", "X", "Y"),
            spline("Width", ((right - left) / width).tolist()),
            spline("Height", ((bottom - top) / height).tolist()),
            _spline(f"{name}Level", level),
            f"\t\t{name} = RectangleMask {{\n\t\t\tNameSet = true,\n\t\t\tInputs = {{\n",
            f"\t\t\t\tMaskWidth = Input {{ Value = {width}, }},\n",
            f"\t\t\t\tMaskHeight = Input {{ Value = {height}, }},\n",
            f"\t\t\t\tPixelAspect = Input {{ Value = {{ {scene.pixel_aspect.numerator}, "
            f"{scene.pixel_aspect.denominator} }}, }},\n",
            _link("Level", f"{name}Level"),
            _link("Center", f"{name}BoxPath"),
            _link("Width", f"{name}Width"),
            _link("Height", f"{name}Height"),
            f"\t\t\t\tComments = Input {{ Value = {json.dumps(track.name, ensure_ascii=False)}, }},\n",
            f"\t\t\t}},\n\t\t\tViewInfo = OperatorInfo {{ Pos = {{ {110 * place}, 0 }} }},\n\t\t}},\n",
        ]
    )


def _spline(name: str, keys: Iterable[tuple[int, float]]) -> str:
    rows = "".join(
        f"\t\t\t\t[{frame}] = {{ {number(value, 7)}, Flags = {{ Linear = true }} }},\n" for frame, value in keys
    )
    return f"\t\t{name} = BezierSpline {{\n\t\t\tNameSet = true,\n\t\t\tKeyFrames = {{\n{rows}\t\t\t}},\n\t\t}},\n"


def _path(name: str, x: str, y: str) -> str:
    links = _link("X", f"{name}{x}") + _link("Y", f"{name}{y}")
    return (
        f'\t\t{name}Path = XYPath {{\n\t\t\tShowKeyPoints = false,\n\t\t\tDrawMode = "ModifyOnly",\n'
        f"\t\t\tNameSet = true,\n\t\t\tInputs = {{\n{links}\t\t\t}},\n\t\t}},\n"
    )


def _link(name: str, source: str) -> str:
    return f'\t\t\t\t{name} = Input {{ SourceOp = "{source}", Source = "Value", }},\n'
