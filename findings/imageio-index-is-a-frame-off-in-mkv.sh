#!/usr/bin/env bash
# A good guess: iio.imread(clip, index=i, plugin="pyav") gives the frame that imiter gives i-th, in MKV
#   as in MP4, at a constant rate.
# What happens: it takes the time of the keyframe before, cut to Matroska's milliseconds, for a frame
#   number, and rounds down. At 30 and 60 fps, 23.976, 29.97 and 59.94 whole GOPs come out one frame late;
#   25 and 50 are right, as their frames last whole milliseconds. In an MP4 that starts half a second in
#   (sound first), every index from 2 on gives a frame too early, by up to 15. constant_framerate=False
#   counts from the start and is right.
# Versions: imageio 2.38.1, PyAV 18.1.0.
# Why it matters: screen recorders such as OBS write MKV at 30 or 60. Crops and labels taken by frame number
#   belong to the next frame in some GOPs and not in others, which looks like jitter of the detector.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check imageio==2.38.1 av==18.1.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PY'
from fractions import Fraction

import av
import imageio
import imageio.v3 as iio
import numpy as np

FRAMES, GOP = 100, 20
ASKED = range(98, 2, -5)


def write(path, rate, first):
    """Each frame's grey level is its number, times two."""
    with av.open(path, "w") as out:
        stream = out.add_stream("libx264", rate=rate, options={"qp": "0", "g": str(GOP), "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for i in range(FRAMES):
            planes = np.full((96, 64), 128, np.uint8)
            planes[:64] = 16 + 2 * i
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = first + i, 1 / rate
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def number(picture):
    return round(picture.mean() * 219 / 255 / 2)


def wrong(path, rate, first=0, **options):
    """How far from i the frame of index i lies, where it is another one: every fifth from the end back."""
    write(path, rate, first)
    in_order = [number(picture) for picture in iio.imiter(path, plugin="pyav")]
    assert in_order == list(range(FRAMES)), "CHANGED: imiter no longer gives every frame in order"
    off = {}
    with iio.imopen(path, "r", plugin="pyav") as clip:
        for i in ASKED:
            off[i] = number(clip.read(index=i, **options)) - i
    return {i: shift for i, shift in off.items() if shift}


print("imageio", imageio.__version__, "PyAV", av.__version__)
for rate in (Fraction(25), Fraction(30), Fraction(60), Fraction(30000, 1001)):
    mkv, mp4 = wrong("clip.mkv", rate), wrong("clip.mp4", rate)
    gops = sorted({i // GOP for i in mkv})
    print(f"{rate} fps: MKV {len(mkv)} of {len(ASKED)} wrong, GOPs {gops}, by {sorted(set(mkv.values()))}; MP4 {len(mp4)}")
    assert not mp4, "CHANGED: MP4 goes wrong, too"
    assert bool(mkv) == (rate != 25), "CHANGED: which rates go wrong in MKV"
    assert set(mkv.values()) <= {1}, "CHANGED: MKV no longer gives the frame after"
late = wrong("late.mp4", Fraction(30), first=15)
print(f"MP4 from 0.5 s on: {len(late)} of {len(ASKED)} wrong:", {i: i + shift for i, shift in late.items()})
assert len(late) == len(ASKED) and late[53] == late[98] == -15, "CHANGED: the start of the clip is taken into account"
for path, first in (("clip.mkv", 0), ("late.mp4", 15)):
    slow = wrong(path, Fraction(30), first, constant_framerate=False)
    print(f"{path}, constant_framerate=False: {len(slow)} wrong")
    assert not slow, "CHANGED: counting from the start goes wrong"
PY
