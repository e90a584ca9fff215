"""Blender: a Python script that loads the clip and gives it a tracking track an object."""

from __future__ import annotations

import json

import numpy as np

from vidtrack.export.scene import Scene, Track

_SCRIPT = '''\
"""Tracks of %(clip)s by vidtrack. In Blender: Scripting workspace, open this file, Run Script."""

import json
import os

import bpy

SCENE = json.loads(r"""%(scene)s""")
TRACKS = json.loads(r"""[
%(tracks)s
]""")


def find_clip():
    """The clip of this name, loaded from where it was tracked or from beside this file."""
    name = os.path.basename(SCENE["path"])
    here = os.path.dirname(bpy.path.abspath(globals().get("__file__", "//")))
    for clip in bpy.data.movieclips:
        if os.path.basename(clip.filepath) == name:
            return clip
    for path in (SCENE["path"], os.path.join(here, name)):
        if os.path.isfile(path):
            return bpy.data.movieclips.load(os.path.abspath(path))
    raise FileNotFoundError("load " + name + " in the Movie Clip Editor, then run this script again")


def add_track(tracks, name, keys, off):
    """Markers of every frame: frame, x, y, then the corners' left, bottom, right, top about the point."""
    track = tracks.new(name=name, frame=int(keys[0][0]))
    for frame, x, y, left, bottom, right, top in keys:
        marker = track.markers.insert_frame(int(frame), co=(x, y))
        marker.pattern_corners = ((left, bottom), (right, bottom), (right, top), (left, top))
        marker.mute = False
    for frame in off:
        nearest = min(keys, key=lambda key: abs(key[0] - frame))
        track.markers.insert_frame(frame, co=(nearest[1], nearest[2])).mute = True


clip = find_clip()
clip.use_fake_user = True
clip.frame_start = SCENE["first"]
clip.tracking.camera.pixel_aspect = SCENE["pixel_aspect"]
for name, off, keys in TRACKS:
    add_track(clip.tracking.objects[0].tracks, name, keys, off)
scene = bpy.context.scene
scene.render.resolution_x, scene.render.resolution_y = SCENE["size"]
scene.render.pixel_aspect_x = SCENE["pixel_aspect"]
scene.render.fps, scene.render.fps_base = SCENE["fps"]
scene.frame_start, scene.frame_end = SCENE["first"], SCENE["first"] + SCENE["frames"] - 1
scene.active_clip = clip
'''


def write(scene: Scene) -> str:
    """Points from 0 to 1 from the bottom left; frames without the object begin and end with a muted marker.

    Markers count from the clip's own first frame, 1; where that lies in the scene is the clip's `frame_start`.
    """
    rate = scene.constant_rate
    labels = round(rate)
    facts = {
        "path": scene.first_file,
        "size": scene.size,
        "pixel_aspect": float(scene.pixel_aspect),
        "fps": [labels, float(labels / rate)],
        "first": scene.numbered_from(1),
        "frames": scene.frame_count,
    }
    return _SCRIPT % {
        "clip": scene.name.replace("\\", "").replace('"', "'"),
        "scene": json.dumps(facts),
        "tracks": ",\n".join(_row(scene, track) for track in scene.tracks),
    }


def _row(scene: Scene, track: Track) -> str:
    """A row of TRACKS: name, first and last frames of where it is away, and keys."""
    width, height = scene.size
    points = track.points(scene.anchor)
    left, top, right, bottom = track.boxes_xyxy.T
    (x, y) = points.T
    keys = np.stack(
        [
            track.frames + 1,
            x / width,
            1 - y / height,
            (left - x) / width,
            (y - bottom) / height,
            (right - x) / width,
            (y - top) / height,
        ],
        axis=1,
    )
    # muted at both ends of a gap: inside, Blender takes the marker before or the one after
    off = [1 + frame for frame, there in track.linear_switches() if not there]
    return json.dumps([track.name, off, np.round(keys, 8).tolist()])
