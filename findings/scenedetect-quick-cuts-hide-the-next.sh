#!/usr/bin/env bash
# A good guess: min_scene_len drops only cuts that come too soon after the last one kept.
# What happens: ContentDetector merges. A cut too close to the last one starts a run, and a run shorter
#   than min_scene_len is dropped whole. After cuts at 40 and 48, a cut at 62 is dropped, though it lies
#   22 frames after the last one kept and the next shot is as long as you like. With 65 it is kept.
#   AdaptiveDetector keeps it, and so does ContentDetector with FlashFilter.Mode.SUPPRESS.
# Versions: PySceneDetect 0.7.2, OpenCV 5.0.0, PyAV 18.1.0.
# Why it matters: a short insert is what quick editing is made of, and ids then run on from one
#   person to another across a hard cut. Detect with min_scene_len=1 and merge short scenes yourself.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check scenedetect==0.7.2 \
  opencv-python==5.0.0.93 av==18.1.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
from importlib.metadata import version

import av
import numpy as np
from scenedetect import AdaptiveDetector, ContentDetector, detect
from scenedetect.detector import FlashFilter

COLORS = ((40, 90, 200), (220, 60, 100), (120, 200, 60), (230, 30, 220))


def write(path, cuts):
    """Shots of one colour each at 30 fps; the last one is 60 frames long."""
    with av.open(path, "w") as out:
        stream = out.add_stream("libx264", rate=30, options={"g": "30"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for i in range(cuts[-1] + 60):
            y, u, v = COLORS[sum(i >= cut for cut in cuts)]
            planes = [np.full((96, 160), y), np.full((24, 160), u), np.full((24, 160), v)]
            frame = av.VideoFrame.from_ndarray(np.concatenate(planes).astype(np.uint8), format="yuv420p")
            frame.pts = i
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def found(detector):
    return [start.frame_num for start, _ in detect("clip.mp4", detector)[1:]]


print("PySceneDetect", version("scenedetect"))
for cuts, merged, kept in (
    ((40, 48, 58), [40], [40, 58]),
    ((40, 48, 62), [40], [40, 62]),
    ((40, 48, 65), [40, 65], [40, 65]),
):
    write("clip.mp4", cuts)
    seen = {
        "ContentDetector": found(ContentDetector()),
        "suppressing": found(ContentDetector(filter_mode=FlashFilter.Mode.SUPPRESS)),
        "AdaptiveDetector": found(AdaptiveDetector()),
        "no least length": found(ContentDetector(min_scene_len=1)),
    }
    print(f"cuts at {cuts}: {seen}")
    assert seen["ContentDetector"] == merged, "CHANGED: a run of quick cuts"
    assert seen["suppressing"] == seen["AdaptiveDetector"] == kept, "CHANGED: suppressing instead of merging"
    assert seen["no least length"] == list(cuts), "CHANGED: the cuts without a least length"
PY
