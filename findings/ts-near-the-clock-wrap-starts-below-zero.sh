#!/usr/bin/env bash
# A good guess: an MPEG-TS that begins shortly before its 33-bit clock wraps (every 26.5 hours)
#   reads as one rising clock that starts near 95,430 s, like the segment before it.
# What happens: the clock does rise, but any file that begins in the last minute before the wrap
#   starts below zero (-16 s, -6 s), whether it crosses the wrap or not. One that begins 80 s
#   before the wrap starts at +95,364 s, one that begins 4 s after it at +4 s.
# Versions: PyAV 18.1.0 (FFmpeg 8.1).
# Why it matters: a recorder that runs for days writes such a file once a day. Code that sorts
#   segments by start_time puts it in the wrong place, and code that drops frames with pts < 0
#   as pre-roll drops good footage.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check av==18.1.0 numpy==2.4.6
"$work/venv/bin/python" - "$work" <<'PY'
import sys

import av
import numpy as np

WRAP = (1 << 33) / 90000


def write(path, start):
    """Ten seconds at 30 frames per second; the muxer wraps the clock as a recorder does."""
    with av.open(path, "w") as out:
        stream = out.add_stream("mpeg2video", rate=30, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for i in range(300):
            frame = av.VideoFrame.from_ndarray(np.full((96, 160, 3), i % 200, np.uint8), format="rgb24")
            frame.pts = i + round(start * 30)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


print("PyAV", av.__version__, "libavformat", av.library_versions["libavformat"])
starts = []
for before in (80, 16, 6, -4):
    path = f"{sys.argv[1]}/clip.ts"
    write(path, WRAP - before)
    with av.open(path) as clip:
        stream = clip.streams.video[0]
        pts = [frame.pts for frame in clip.decode(stream)]
        starts.append(float(stream.start_time * stream.time_base))
    below = sum(p < 0 for p in pts)
    print(f"begins {before} s before the wrap: start_time {starts[-1]:.2f} s, {below} of 300 pts below zero")
    assert pts == sorted(pts) and len(pts) == 300, "CHANGED: the clock no longer rises through the file"
assert starts[0] > 95000 and 0 < starts[3] < 10, "CHANGED: files away from the wrap start elsewhere"
assert -20 < starts[1] < -10 < starts[2] < 0, "CHANGED: the last minute no longer starts below zero"
PY
