"""The script, run by Blender itself."""

from __future__ import annotations

import json
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from tests.export.readers import (
    boxes_by_frame,
    same,
)
from tests.export.scenes import exported, interpreter_with, moving, scene_of, write_log

READ_BLENDER = """
import json, os, sys
import bpy
script, clip, saved = sys.argv[-3:]
source = open(script, encoding="utf-8").read()
exec(compile(source, script, "exec"), {"__file__": script, "__name__": "__main__"})
bpy.ops.wm.save_as_mainfile(filepath=saved)
bpy.ops.wm.open_mainfile(filepath=saved)
(clip,) = bpy.data.movieclips
tracks = {
    track.name: [[m.frame, m.mute, *m.co, *[list(c) for c in m.pattern_corners]] for m in track.markers]
    for track in clip.tracking.objects[0].tracks
}
away = {
    track.name: [f for f in range(1, 13) if track.markers.find_frame(f, exact=False).mute]
    for track in clip.tracking.objects[0].tracks
}
scene = bpy.context.scene
print("FOUND" + json.dumps({
    "tracks": tracks, "away": away, "size": list(clip.size), "start": clip.frame_start,
    "fps": scene.render.fps / scene.render.fps_base, "frames": [scene.frame_start, scene.frame_end],
}))
"""


def test_blender_gets_the_tracks_and_keeps_them(tmp_path: Path) -> None:
    python = interpreter_with("bpy")
    from tests.media import Clip, write_clip

    rate = Fraction(30000, 1001)
    write_clip(tmp_path / "clip.mp4", Clip(frames=12, rate=rate, size=(160, 96)))
    there = moving(3, 1) | moving(4, 6)
    long_gap = moving(1) | moving(4, 7)
    log = write_log(
        tmp_path / "clip.tracks.jsonl",
        {3: there, 4: long_gap},
        range(12),
        rate,
        duration_seconds=12 / rate,
        frame_count=12,
    )
    script = exported(log, "blender", tmp_path, start_frame=101)
    reader = tmp_path / "read.py"
    reader.write_text(READ_BLENDER, "utf-8")
    command = [python, str(reader), str(script), str(tmp_path / "clip.mp4"), str(tmp_path / "saved.blend")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert "FOUND" in done.stdout, done.stderr
    found = json.loads(done.stdout.split("FOUND")[1].splitlines()[0])
    assert found["size"] == [160, 96]
    assert (found["start"], found["frames"]) == (101, [101, 112])
    assert found["fps"] == pytest.approx(float(rate), rel=1e-6)
    markers = {frame: values for frame, *values in found["tracks"]["person 3"]}
    boxes = {}
    for frame, (mute, x, y, *corners) in markers.items():
        if not mute:
            left, bottom = (x + corners[0][0]) * 160, (1 - y - corners[0][1]) * 96
            right, top = (x + corners[2][0]) * 160, (1 - y - corners[2][1]) * 96
            boxes[frame] = [left, top, right, bottom]
    same(boxes, boxes_by_frame(scene_of(log), first=1))
    assert found["away"] == {"person 3": [1, 5, 6, 11, 12], "car 4": [2, 3, 4, 5, 6, 7, 12]}
