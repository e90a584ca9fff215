#!/usr/bin/env bash
# A good guess: get_frame(t) at a frame's exact time gives that frame, at 59.94 as at 29.97.
# What happens: MoviePy reads the rate from ffmpeg's log, which has two decimals. It restores
#   24000/1001 and 30000/1001 from that, but not 60000/1001: the clip's rate stays 59.94, a millionth
#   too low. From frame 11 on, every exact time falls just short and gives the frame before.
# Versions: MoviePy 2.2.1, imageio-ffmpeg 0.8.1 (ffmpeg 9.0), PyAV 18.1.0.
# Why it matters: boxes drawn at the times of a 60p camera's frames run ahead of their object by one
#   frame, on a clip that is otherwise perfect. Ask for the middle of the frame, t + 1/120.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  moviepy==2.2.1 imageio-ffmpeg==0.8.1 av==18.1.0 numpy==2.4.6
"$work/venv/bin/python" -W ignore - "$work" <<'PY'
import sys
from fractions import Fraction
from importlib.metadata import version

import av
import imageio_ffmpeg
import moviepy
import numpy as np

FRAMES = 200


def write(path, rate):
    """Each frame shows its number as eight black or white columns."""
    with av.open(path, "w") as out:
        stream = out.add_stream("libx264", rate=rate, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(FRAMES):
            planes = np.full((72, 64), 128, np.uint8)
            planes[:48] = np.repeat([235 if i >> bit & 1 else 16 for bit in range(8)], 8)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts = i
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def number(picture):
    return sum(int(picture[24, 8 * bit + 4, 1] > 128) << bit for bit in range(8))


print("MoviePy", version("moviepy"), "ffmpeg", imageio_ffmpeg.get_ffmpeg_version())
wrong = {}
for rate in (Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001), Fraction(60)):
    write(f"{sys.argv[1]}/clip.mp4", rate)
    with moviepy.VideoFileClip(f"{sys.argv[1]}/clip.mp4") as clip:
        last = FRAMES - 2  # the duration is rounded to 10 ms, so the last frame may lie beyond it
        off = {i: number(clip.get_frame(float(i / rate))) - i for i in range(last)}
        middle = [i for i in range(last) if number(clip.get_frame(float((i + Fraction(1, 2)) / rate))) != i]
        wrong[rate] = {i: shift for i, shift in off.items() if shift}
        first = min(wrong[rate], default=None)
        print(
            f"{rate}: MoviePy's rate {clip.fps!r}; exact times: {len(wrong[rate])} of {last} wrong, first {first}, "
            f"shifts {sorted(set(wrong[rate].values()))}; middles: {len(middle)} wrong"
        )
        assert not middle, "CHANGED: the middle of a frame's time no longer gives that frame"
ntsc = wrong.pop(Fraction(60000, 1001))
assert not any(wrong.values()), "CHANGED: 23.976, 29.97 or 60 no longer gives the frame asked for"
assert min(ntsc) == 11 and len(ntsc) == FRAMES - 2 - 11, "CHANGED: 59.94 no longer goes wrong from frame 11 on"
assert set(ntsc.values()) == {-1}, "CHANGED: 59.94 no longer gives the frame before"
PY
