#!/usr/bin/env bash
# A good guess: overlay puts a picture on any pixel when neither input has subsampled chroma.
# What happens: it works in yuv420 unless told otherwise, so also between two RGB clips it drops odd
#   positions to the even one below, and converts both on the way. A picture that should move one
#   pixel per frame moves two every other frame. format=gbrp or yuv444 places it exactly, and so
#   does format=auto under an RGBA picture.
# Versions: the ffmpeg 9.0 binary of imageio-ffmpeg 0.8.1.
# Why it matters: labels, covers and insets that follow a smooth track shake by a pixel, which is
#   blamed on the tracker, and a cover leaves a column of what it hides on its right.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check numpy==2.4.6 imageio-ffmpeg==0.8.1
"$work/venv/bin/python" - <<'PY'
import subprocess

import imageio_ffmpeg
import numpy as np


def edges(below, above, option=""):
    """Left edge of a white square on 6 frames, placed one pixel further on each from x=4."""
    graph = f"color=white:s=16x16:r=10:d=0.6,format={above}[o];[0:v][o]overlay={option}x=3+n:y=5"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi"]
    command += ["-i", f"color=black:s=64x48:r=10:d=0.6,format={below}", "-filter_complex", graph]
    out = subprocess.run([*command, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True).stdout
    frames = np.frombuffer(out, np.uint8).reshape(-1, 48, 64, 3)
    seen = [int(np.flatnonzero(frame[12, :, 1] > 100)[0]) for frame in frames]
    print(f"{above} over {below}, {option or 'default:'} {seen}")
    return seen


print("ffmpeg", imageio_ffmpeg.get_ffmpeg_version())
smooth, steps = [4, 5, 6, 7, 8, 9], [4, 4, 6, 6, 8, 8]
assert edges("rgb24", "rgba") == steps, "CHANGED: overlay no longer snaps between RGB clips"
assert edges("yuv420p", "rgba") == steps, "CHANGED: overlay no longer snaps on yuv420p"
assert edges("yuv420p", "rgba", "format=auto:") == smooth, "CHANGED: format=auto is no longer exact"
assert edges("rgb24", "rgba", "format=gbrp:") == smooth, "CHANGED: format=gbrp is no longer exact"
assert edges("yuv420p", "rgba", "format=yuv444:") == smooth, "CHANGED: format=yuv444 is no longer exact"
PY
