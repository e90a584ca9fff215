"""Tracks of shot 12 by vidtrack. In Blender: Scripting workspace, open this file, Run Script."""

import json
import os

import bpy

SCENE = json.loads(r"""{"path": "footage/shot 12.mov", "size": [320, 180], "pixel_aspect": 1.0, "fps": [30, 1.001], "first": 1, "frames": 10}""")
TRACKS = json.loads(r"""[
["person 1", [1, 5, 6, 9], [[2.0, 0.0953125, 0.61111111, -0.06328125, -0.27777778, 0.06328125, 0.27777778], [3.0, 0.10234375, 0.60902778, -0.06328125, -0.27708333, 0.06328125, 0.27708333], [4.0, 0.11015625, 0.60694444, -0.06328125, -0.27638889, 0.06328125, 0.27638889], [7.0, 0.6876875, 0.55183333, -0.0626875, -0.2815, 0.0626875, 0.2815], [8.0, 0.69609375, 0.55552778, -0.06328125, -0.27780556, 0.06328125, 0.27780556]]],
["traffic light 2", [4], [[1.0, 0.953125, 0.86111111, -0.015625, -0.08333333, 0.015625, 0.08333333], [2.0, 0.9546875, 0.85833333, -0.015625, -0.08333333, 0.015625, 0.08333333], [3.0, 0.95625, 0.85555556, -0.015625, -0.08333333, 0.015625, 0.08333333]]]
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
