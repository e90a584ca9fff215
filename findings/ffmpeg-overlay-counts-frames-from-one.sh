#!/usr/bin/env bash
# A good guess: n is the frame's number from 0 in all filter expressions, as the manual says, so
#   one table of positions serves crop, drawtext, geq and overlay.
# What happens: in overlay's x and y, n is 1 on the first frame, and so is perspective's "in". In
#   crop, geq, rotate, drawtext and every "enable", overlay's own too, it is 0.
# Versions: the ffmpeg 9.0 binary of imageio-ffmpeg 0.8.1; Debian's ffmpeg 5.1 does the same.
# Why it matters: a label or cover placed by a per-frame expression runs one frame ahead of the object,
#   and ahead of a crop or a box written from the same numbers. Use n-1 in overlay, or t.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check numpy==2.4.6 imageio-ffmpeg==0.8.1
"$work/venv/bin/python" - <<'PY'
import subprocess

import imageio_ffmpeg
import numpy as np

BLACK = "color=black:s=64x48:r=10:d=0.4,format=yuv444p"
WHITE = "color=white:s=8x8:r=10:d=0.4,format=yuva444p[o];[0:v][o]overlay=format=yuv444:y=5:"
SQUARE = "drawbox=x=30:y=5:w=8:h=8:c=white:t=fill"
CORNERS = "x0=in:y0=0:x1=W+in:y1=0:x2=in:y2=H:x3=W+in:y3=H"
# filter: its graph, and the left edge of the white square where n is 0 and where n is 1
GRAPHS = {
    "overlay x=10+n": (WHITE + "x=10+n", 10, 11),
    "overlay enable='gte(n,1)'": (WHITE + "x=10:enable='gte(n,1)'", None, 10),
    "perspective by in": (f"{SQUARE},perspective={CORNERS}:sense=destination:eval=frame", 30, 31),
    "crop x=10+n": (f"{SQUARE},crop=32:48:x=10+n:y=0:exact=1,pad=64:48:0:0", 20, 19),
    "geq N": ("geq=lum='if(between(X,10+N,17+N),255,16)':cb=128:cr=128", 10, 11),
    "drawbox enable='gte(n,1)'": (f"{SQUARE}:enable='gte(n,1)'", None, 30),
}
FROM_ONE = {"overlay x=10+n", "perspective by in"}

print("ffmpeg", imageio_ffmpeg.get_ffmpeg_version())
for name, (graph, at_zero, at_one) in GRAPHS.items():
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", BLACK, "-filter_complex", graph]
    out = subprocess.run([*command, "-f", "rawvideo", "-pix_fmt", "gray", "-"], capture_output=True, check=True).stdout
    columns = np.flatnonzero(np.frombuffer(out, np.uint8).reshape(-1, 48, 64)[0].max(0) > 100)
    edge = int(columns[0]) if len(columns) else None
    assert edge in (at_zero, at_one), f"CHANGED: {name} shows the square at {edge}"
    first = 0 if edge == at_zero else 1
    print(f"{name}: first frame is number {first}")
    assert first == (name in FROM_ONE), f"CHANGED: {name} counts from {first} now"
PY
