#!/usr/bin/env bash
# A good guess: a scene's frame_num is the number of its first frame as decoded, whatever reads the file.
# What happens: since 0.7 it is the scene's time multiplied by a rate, and each backend takes its own. On
#   a clip whose frames last 1/60 s and then 1/15 s the cut at frame 80 is frame_num 64 with OpenCV, 200
#   with PyAV and MoviePy. OpenCV also misses the first cut, its 15 frames of least length being longer,
#   and MoviePy's seconds are three times the true ones. At a constant rate all agree.
# Versions: PySceneDetect 0.7.2, PyAV 18.1.0, OpenCV 5.0.0, MoviePy 2.2.1.
# Why it matters: phones and screen recorders vary their rate, so tracks cut at frame_num are cut inside
#   a shot and run on across the real one. Use seconds, from OpenCV or PyAV, and look the frame up.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check scenedetect==0.7.2 \
  opencv-python==5.0.0.93 av==18.1.0 moviepy==2.2.1 imageio-ffmpeg==0.8.1 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
from fractions import Fraction
from importlib.metadata import version

import av
import numpy as np
from scenedetect import ContentDetector, SceneManager, open_video

SHOTS = {0: (40, 90, 200), 40: (220, 60, 100), 80: (120, 200, 60), 120: (230, 30, 220)}
FRAMES = 150
BACKENDS = ("opencv", "pyav", "moviepy")


def write(path, times):
    """Four shots of one colour each, with frames at the given multiples of 1/60 s."""
    with av.open(path, "w") as out:
        stream = out.add_stream("libx264", rate=60, options={"g": "30"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 60)
        for i, time in enumerate(times):
            y, u, v = SHOTS[max(first for first in SHOTS if first <= i)]
            planes = [np.full((96, 160), y), np.full((24, 160), u), np.full((24, 160), v)]
            frame = av.VideoFrame.from_ndarray(np.concatenate(planes).astype(np.uint8), format="yuv420p")
            frame.pts, frame.time_base = time, Fraction(1, 60)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def cuts(path, backend):
    video = open_video(path, backend=backend)
    manager = SceneManager()
    manager.add_detector(ContentDetector())
    manager.detect_scenes(video)
    return [(start.frame_num, round(start.seconds, 2)) for start, _ in manager.get_scene_list()[1:]]


print("PySceneDetect", version("scenedetect"))
clips = {"constant": list(range(FRAMES)), "varying": [max(i, 4 * i - 120) for i in range(FRAMES)]}
seen = {}
for name, times in clips.items():
    write(f"{name}.mp4", times)
for name, times in clips.items():
    print(f"{name} rate: true cuts {[(first, round(times[first] / 60, 2)) for first in list(SHOTS)[1:]]}")
    for backend in BACKENDS:
        seen[name, backend] = cuts(f"{name}.mp4", backend)
        print(f"  {backend:>7}: {seen[name, backend]}")
    if name == "constant":
        same = all([number for number, _ in seen[name, backend]] == [40, 80, 120] for backend in BACKENDS)
        assert same, "CHANGED: at a constant rate a backend counts other frames"
assert seen["varying", "opencv"] == [(64, 3.33), (115, 6.0)], "CHANGED: frame numbers with OpenCV"
assert seen["varying", "pyav"] == [(40, 0.67), (200, 3.33), (360, 6.0)], "CHANGED: frame numbers with PyAV"
assert [number for number, _ in seen["varying", "moviepy"]] == [40, 200, 360], "CHANGED: frame numbers with MoviePy"
assert seen["varying", "moviepy"][1][1] > 10, "CHANGED: MoviePy gives true seconds"
PY
