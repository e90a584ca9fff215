"""Subtitles: ASS draws the boxes in any player, WebVTT carries them as data to a web page."""

from __future__ import annotations

import json
from collections import defaultdict
from fractions import Fraction
from math import floor
from typing import Any

from vidtrack.export.scene import Scene, Track
from vidtrack.export.text import number
from vidtrack.render.style import colour_of

_SUBPIXEL = 8  # \p8: drawings in 128ths of a pixel
_ASS_HEADER = """\
[Script Info]
; Tracks by vidtrack
Title: %(title)s
ScriptType: v4.00+
PlayResX: %(width)d
PlayResY: %(height)d
WrapStyle: 2
ScaledBorderAndShadow: yes

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Box,Arial,%(font)d,&HFF000000,&HFF000000,&H00FFFFFF,&HFF000000,0,0,0,0,100,100,0,0,1,%(line)d,0,7,0,0,0,1
Style: Name,Arial,%(font)d,&H00FFFFFF,&HFF000000,&H00000000,&HFF000000,0,0,0,0,100,100,0,0,1,1,0,1,0,0,0,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def write_ass(scene: Scene) -> str:
    """An outline and a name per frame and object; times in hundredths of a second, rounded down so none is missed."""
    width, height = scene.size
    font = max(10, round(height / 36))
    header = _ASS_HEADER % {
        "title": scene.name,
        "width": width,
        "height": height,
        "font": font,
        "line": max(1, round(height / 540)),
    }
    lines = [line for track in scene.tracks for line in _events(scene, track, font)]
    return header + "".join(f"{text}\n" for _, text in sorted(lines, key=lambda line: line[0]))


def _events(scene: Scene, track: Track, font: int) -> list[tuple[int, str]]:
    red, green, blue = colour_of(track.id)
    colour = f"\\3c&H{blue:02X}{green:02X}{red:02X}&"
    name = track.name.replace("\\", "").replace("{", "(").replace("}", ")")
    speaker = name.replace(",", " ")
    lines = []
    for frame, (left, top, right, bottom) in zip(track.frames.tolist(), track.boxes_xyxy.tolist(), strict=True):
        start, end = (_hundredths(scene.container_seconds(moment)) for moment in (frame, frame + 1))
        width, height = (round(side * 2 ** (_SUBPIXEL - 1)) for side in (right - left, bottom - top))
        place = f"{number(left)},{number(top)}"
        inside = "\\an7" if top < font else ""  # no room above the box
        shape = f"m 0 0 l {width} 0 {width} {height} 0 {height}"
        times = f"{_ass_clock(start)},{_ass_clock(end)}"
        lines += [
            (start, f"Dialogue: 0,{times},Box,{speaker},0,0,0,,{{\\pos({place}){colour}\\p{_SUBPIXEL}}}{shape}"),
            (start, f"Dialogue: 1,{times},Name,{speaker},0,0,0,,{{{inside}\\pos({place})}}{name}"),
        ]
    return lines


def _hundredths(seconds: Fraction) -> int:
    return floor(seconds * 100)


def _ass_clock(hundredths: int) -> str:
    minutes, rest = divmod(hundredths, 6000)
    return f"{minutes // 60}:{minutes % 60:02}:{rest // 100:02}.{rest % 100:02}"


def write_webvtt(scene: Scene) -> str:
    """A cue per frame with objects: JSON with the image size and, for each object, its box in pixels."""
    objects: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for track in scene.tracks:
        samples = zip(track.frames.tolist(), track.boxes_xyxy.tolist(), track.scores.tolist(), strict=True)
        for frame, box, score in samples:
            objects[frame].append({"id": track.id, "class": track.label, "score": score, "box": box})
    width, height = scene.size
    cues = ["WEBVTT", f"NOTE Tracks by vidtrack; boxes are left, top, right, bottom in {width} x {height} pixels"]
    for frame in sorted(objects):
        payload = {"frame": frame, "size": [width, height], "objects": objects[frame]}
        text = json.dumps(payload, separators=(",", ":")).replace("--", "-\\u002d").replace("<", "\\u003c")
        text = text.replace("&", "\\u0026")
        start, end = (_vtt_clock(scene.container_seconds(moment)) for moment in (frame, frame + 1))
        cues.append(f"{start} --> {end}\n{text}")
    return "\n\n".join(cues) + "\n"


def _vtt_clock(seconds: Fraction) -> str:
    thousandths = floor(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"
