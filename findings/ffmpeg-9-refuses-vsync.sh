#!/usr/bin/env bash
# A good guess: -vsync is deprecated but still works, so the usual "-vsync 0" to get one raw
#   picture per decoded frame does no harm.
# What happens: ffmpeg 9 refuses it as unknown, exit code 8, and reads nothing. Without it, raw
#   output of a variable-rate clip is filled up to a constant rate: 20 frames become 40, some
#   shown 16 times, some never. -fps_mode passthrough gives the 20.
# Versions: the ffmpeg 9.0 binary of imageio-ffmpeg 0.8.1; clip written by PyAV 18.1.0.
# Why it matters: readers that pipe frames out of ffmpeg either stop with the new binary or, if
#   the option is just removed, give boxes that belong to other frames.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check av==18.1.0 numpy==2.4.6 imageio-ffmpeg==0.8.1
"$work/venv/bin/python" - "$work" <<'PY'
import subprocess
import sys
from fractions import Fraction

import av
import imageio_ffmpeg
import numpy as np

MS = [0, 33, 66, 100, 133, 166, 200, 500, 1000, 1033, 1040, 1045, 1050, 1055, 1060, 1065, 1070, 1100, 1200, 1300]
clip = f"{sys.argv[1]}/clip.mkv"
with av.open(clip, "w") as out:
    stream = out.add_stream("libx264", rate=30)
    stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
    stream.codec_context.time_base = Fraction(1, 1000)
    for i, ms in enumerate(MS):  # the grey level tells which frame it is
        frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 20 + 10 * i, np.uint8), format="rgb24")
        frame.pts, frame.time_base = ms, Fraction(1, 1000)
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def raw(*options):
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", clip, *options]
    done = subprocess.run([*command, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True)
    grey = np.frombuffer(done.stdout, np.uint8).reshape(-1, 64 * 64 * 3).mean(1)
    shown = [round((g - 20) / 10) for g in grey]
    print(" ".join(options) or "no option", "-> exit", done.returncode, shown)
    if done.returncode:
        print("   ", done.stderr.decode().split("\n")[0])
    return done.returncode, shown


print("ffmpeg", imageio_ffmpeg.get_ffmpeg_version())
code, _ = raw("-vsync", "0")
assert code == 8, "CHANGED: -vsync is accepted again"
_, filled = raw()
assert len(filled) == 40 and len(set(filled)) < 20, "CHANGED: raw output is no longer filled to a constant rate"
_, exact = raw("-fps_mode", "passthrough")
assert exact == list(range(20)), "CHANGED: -fps_mode passthrough does not give each frame once"
PY
