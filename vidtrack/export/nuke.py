"""Nuke: one Tracker with a track an object, and a Crop an object that follows its box."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from vidtrack.export.scene import Scene, Track
from vidtrack.export.text import identifier, number, rate_label

CUSTOM_FIRST_FRAME = 1001  # where plates start
_QUOTED = str.maketrans('"{}[]', "'()()", "\\$")  # what Tcl would read as more than a name
# Columns of Tracker4's table: three settings of how each is stored and shown, then its name.
_COLUMNS = """
5 1 20 enable e
3 1 75 name name
2 1 58 track_x track_x
2 1 58 track_y track_y
2 1 63 offset_x offset_x
2 1 63 offset_y offset_y
4 1 27 T T
4 1 27 R R
4 1 27 S S
2 0 45 error error
1 1 0 error_min error_min
1 1 0 error_max error_max
1 1 0 pattern_x pattern_x
1 1 0 pattern_y pattern_y
1 1 0 pattern_r pattern_r
1 1 0 pattern_t pattern_t
1 1 0 search_x search_x
1 1 0 search_y search_y
1 1 0 search_r search_r
1 1 0 search_t search_t
2 1 0 key_track key_track
2 1 0 key_search_x key_search_x
2 1 0 key_search_y key_search_y
2 1 0 key_search_r key_search_r
2 1 0 key_search_t key_search_t
2 1 0 key_track_x key_track_x
2 1 0 key_track_y key_track_y
2 1 0 key_track_r key_track_r
2 1 0 key_track_t key_track_t
2 1 0 key_centre_offset_x key_centre_offset_x
2 1 0 key_centre_offset_y key_centre_offset_y
""".strip().splitlines()


def write(scene: Scene) -> str:
    """A script to paste; pixels from the bottom left, as Nuke has them."""
    first = scene.numbered_from(CUSTOM_FIRST_FRAME)
    width, height = scene.size
    lines = [
        f"# {scene.name.translate(_QUOTED)} by vidtrack: {width} x {height}, "
        f"{rate_label(scene.constant_rate)} frames per second, frames {first} to {first + scene.frame_count - 1}",
        "Tracker4 {",
        " inputs 0",
        f" tracks {{ {{ 1 {len(_COLUMNS)} {len(scene.tracks)} }}",
        " {",
        *(f"  {{ {column} 1 }}" for column in _COLUMNS),
        " }",
        " {",
        *(_row(scene, track, first) for track in scene.tracks),
        " }",
        " }",
        f" reference_frame {first + int(scene.tracks[0].frames[0])}",
        f" name {identifier(scene.name)}_tracks",
        "}",
    ]
    for place, track in enumerate(scene.tracks):
        lines += _crop(scene, track, first, place)
    return "\n".join(lines) + "\n"


def _row(scene: Scene, track: Track, first: int) -> str:
    height = scene.size[1]
    points = track.points(scene.anchor)
    left, top, right, bottom = track.boxes_xyxy[0].tolist()
    x, y = points[0].tolist()
    pattern = [left - x, y - bottom, right - x, y - top]  # x, y, r, t about the point, y up
    search = [pattern[0] - 20, pattern[1] - 20, pattern[2] + 20, pattern[3] + 20]
    start = first + int(track.frames[0])
    name = track.name.translate(_QUOTED)
    nothing = f"{{curve K x{start} 0}}"
    return " ".join(
        [
            "  {",
            _hold((first + frame, there) for frame, there in track.switches()),
            f'"{name}"',
            _curve(track, points[:, 0], first),
            _curve(track, height - points[:, 1], first),
            *[nothing, nothing, "1 0 0", f"{{curve x{start} 0}}", "1 0"],
            *map(number, [*pattern, *search]),
            *["{}"] * 11,
            "}",
        ]
    )


def _crop(scene: Scene, track: Track, first: int, place: int) -> list[str]:
    height = scene.size[1]
    left, top, right, bottom = track.boxes_xyxy.T
    sides = [left, height - bottom, right, height - top]  # x, y, r, t
    away = _hold((first + frame, not there) for frame, there in track.switches())
    return [
        "Crop {",
        " inputs 0",
        f" box {{{' '.join(_curve(track, side, first) for side in sides)}}}",
        f" disable {{{away}}}",
        f" name {identifier(track.name)}_box",
        f" xpos {110 * (place + 1)}",
        "}",
    ]


def _curve(track: Track, values: np.ndarray, first: int) -> str:
    """Keys on consecutive frames; `xF` goes to frame F, as after a gap."""
    parts = ["curve"]
    for run in track.runs():
        parts += [f"x{first + int(track.frames[run][0])}", *map(number, values[run].tolist())]
    return f"{{{' '.join(parts)}}}"


def _hold(keys: Iterable[tuple[int, bool]]) -> str:
    """A curve whose values hold up to the next key (K)."""
    return "{curve K " + " ".join(f"x{frame} {int(value)}" for frame, value in keys) + "}"
