#!/usr/bin/env bash
# A good guess: in a gap between two motion-tracking markers, Follow Track moves the object in a
#   straight line from one to the other, or at worst holds the last one.
# What happens: it never interpolates. It shows the marker before the gap or the marker after it,
#   and which one depends on how many markers the track has: the same gap from frame 10 to 20
#   holds the old place with three markers, and jumps ahead to the new place with four. The last
#   one only adds a marker at frame 40. markers.find_frame(f, exact=False) answers the same.
# Versions: bpy 5.0.1 (needs Python 3.11).
# Why it matters: markers written every n-th frame, or around a lost object, make things stand still
#   or be ahead of time by seconds. Write a marker for every frame, and mute the first after a loss.
set -euo pipefail
command -v python3.11 > /dev/null || { echo "needs python3.11, the only one bpy 5.0 installs on"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3.11 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check bpy==5.0.1 av==18.1.0 "numpy<3"
"$work/venv/bin/python" - "$work/clip.mp4" <<'PY'
import sys

import av
import numpy as np

with av.open(sys.argv[1], "w") as out:
    stream = out.add_stream("libx264", rate=30)
    stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
    for i in range(50):
        frame = av.VideoFrame.from_ndarray(np.full((96, 160, 3), 60 + i, np.uint8), format="rgb24")
        frame.pts = i
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))
PY
"$work/venv/bin/python" - "$work/clip.mp4" <<'PY'
import sys

import bpy

scene = bpy.context.scene
camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
camera.data.type, camera.data.ortho_scale, camera.location = "ORTHO", 10, (0, 0, 10)
scene.collection.objects.link(camera)
scene.camera = camera
scene.render.resolution_x, scene.render.resolution_y = 160, 96


def follow(name, places):
    clip = bpy.data.movieclips.load(sys.argv[1])
    track = clip.tracking.tracks.new(name=name, frame=min(places))
    for frame, x in places.items():
        track.markers.insert_frame(frame, co=(x, 0.5))
    thing = bpy.data.objects.new(name, None)
    scene.collection.objects.link(thing)
    rule = thing.constraints.new("FOLLOW_TRACK")
    rule.use_active_clip, rule.clip, rule.track, rule.camera = False, clip, track.name, camera
    at = []
    for frame in (10, 11, 15, 19, 20):
        scene.frame_set(frame)
        x = thing.evaluated_get(bpy.context.evaluated_depsgraph_get()).matrix_world.translation.x
        at.append(round(x / camera.data.ortho_scale + 0.5, 2))
    near = track.markers.find_frame(15, exact=False).frame
    print(f"{name}, frames {list(places)}: x on frames 10, 11, 15, 19, 20 = {at}; find_frame(15) -> {near}")
    return at, near


print("bpy", bpy.app.version_string)
three = follow("three markers", {10: 0.1, 20: 0.3, 30: 0.9})
four = follow("four markers", {10: 0.1, 20: 0.3, 30: 0.9, 40: 0.9})
assert three == ([0.1, 0.1, 0.1, 0.1, 0.3], 10), "CHANGED: the gap with three markers"
assert four == ([0.1, 0.3, 0.3, 0.3, 0.3], 20), "CHANGED: the gap with four markers"
PY
