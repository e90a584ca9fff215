"""2-D track text as 3DEqualizer writes it, which Syntheyes, PFTrack, Nuke and Blender add-ons also take."""

from __future__ import annotations

from vidtrack.export.scene import Scene
from vidtrack.export.text import number


def write(scene: Scene) -> str:
    """The number of points, then each one's name, colour, number of keys and keys `frame x y`.

    Pixels from the bottom left, frames from 1; without a key the point is absent on that frame.
    """
    first, height = scene.numbered_from(1), scene.size[1]
    lines = [str(len(scene.tracks))]
    for track in scene.tracks:
        lines += [track.name, "0", str(len(track.frames))]
        for frame, (x, y) in zip(track.frames.tolist(), track.points(scene.anchor).tolist(), strict=True):
            lines.append(f"{first + frame} {number(x)} {number(height - y)}")
    return "\n".join(lines) + "\n"
