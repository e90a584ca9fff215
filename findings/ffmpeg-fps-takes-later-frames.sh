#!/usr/bin/env bash
# A good guess: fps=10 takes frames 0, 3, 6 of a 30 fps clip and gives them the times 0, 0.1, 0.2.
# What happens: the times are those, the frames are 1, 4, 7. A frame counts for the nearest output
#   time and the last one that does wins, so the choice lies up to half an output interval late: at
#   fps=1 the frame labelled 0 s is frame 14. For halves it is as guessed: 60 to 30 takes 0, 2, 4.
#   round=up takes 0, 3, 6, but at 30000/1001 it takes 0, 2, 5.
# Versions: ffmpeg 9.0 of imageio-ffmpeg 0.8.1.
# Why it matters: boxes detected on the thinned stream run ahead of their object on the original, by
#   half a second at fps=1. Choose by number, select='not(mod(n,3))'.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check imageio-ffmpeg==0.8.1 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import re
import subprocess

import imageio_ffmpeg
import numpy as np

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


def chosen(rate, thin):
    """Numbers and times of the frames that come out of `thin`; each frame's grey level is its number + 16."""
    filters = f"geq=lum='N+16':cb=128:cr=128,{thin},showinfo"
    command = [FFMPEG, "-f", "lavfi", "-i", f"color=black:s=16x16:r={rate}:d=3", "-vf", filters]
    run = subprocess.run(
        [*command, "-pix_fmt", "yuv420p", "-fps_mode", "passthrough", "-f", "rawvideo", "-"],
        capture_output=True,
        check=True,
    )
    pictures = np.frombuffer(run.stdout, np.uint8).reshape(-1, 16 * 16 * 3 // 2)
    times = re.findall(r"pts_time:(\S+)", run.stderr.decode())
    return [int(p[0]) - 16 for p in pictures], [float(t) for t in times]


print("ffmpeg", imageio_ffmpeg.get_ffmpeg_version())
seen = {}
for rate, thin in (
    ("60", "fps=30"),
    ("30", "fps=10"),
    ("25", "fps=5"),
    ("30", "fps=1"),
    ("30", "fps=10:round=up"),
    ("30000/1001", "fps=10:round=up"),
    ("30", "select='not(mod(n,3))'"),
):
    numbers, times = chosen(rate, thin)
    seen[rate, thin] = numbers[:4]
    print(f"{rate:>10} fps, {thin:<22} frames {numbers[:4]} with times {times[:4]}")
    step = 1 / float(thin.removeprefix("fps=").split(":")[0]) if "fps" in thin else 0.1
    assert np.allclose(times, np.arange(len(times)) * step, atol=1e-3), "CHANGED: the times of the output"
assert seen["60", "fps=30"] == [0, 2, 4, 6], "CHANGED: halving no longer takes even frames"
assert seen["30", "fps=10"] == [1, 4, 7, 10], "CHANGED: a third no longer takes the middle frames"
assert seen["25", "fps=5"] == [2, 7, 12, 17], "CHANGED: a fifth no longer takes the middle frames"
assert seen["30", "fps=1"][:2] == [14, 44], "CHANGED: one per second no longer takes frame 14"
assert seen["30", "fps=10:round=up"] == [0, 3, 6, 9], "CHANGED: round=up no longer takes the first of three"
assert seen["30000/1001", "fps=10:round=up"] == [0, 2, 5, 8], "CHANGED: round=up at 29.97"
assert seen["30", "select='not(mod(n,3))'"] == [0, 3, 6, 9], "CHANGED: select no longer counts from zero"
PY
