#!/usr/bin/env bash
# A good guess: with a varying frame rate OpenCV cannot seek by frame number, but it can by time:
#   set(CAP_PROP_POS_MSEC, t), with the t that get() gave for a frame, reads that frame again.
# What happens: get() gives the frame's true time, set() multiplies the time by the clip's average rate and
#   seeks to that frame number, so both ways miss. On 60 fps that falls to 15, frame 40 at its own time is
#   frame 16, 80 is 93. set and read return True. At a constant rate every frame is found.
# Versions: opencv-python-headless 5.0.0.93, PyAV 18.1.0 (which finds every frame by its time).
# Why it matters: phones and screen recorders vary their rate, and times are what a careful log of tracks
#   keeps for that reason. Crops cut out by those times show another moment, with no error to see.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  av==18.1.0 numpy==2.4.6 opencv-python-headless==5.0.0.93
cd "$work"
"$work/venv/bin/python" - <<'PY'
from fractions import Fraction

import av
import cv2
import numpy as np

FRAMES = 100
CLIPS = {"constant 30": [2] * FRAMES, "60, then 15": [1] * 50 + [4] * 50, "a pause after 30": [2] * 30 + [60] + [2] * 69}


def write(path, steps):
    """Each frame's grey level is its number, times two; `steps` are the frames' durations in 1/60 s."""
    with av.open(path, "w") as out:
        stream = out.add_stream("libx264", rate=60, options={"qp": "0", "g": "20", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for i in range(FRAMES):
            planes = np.full((96, 64), 128, np.uint8)
            planes[:64] = 16 + 2 * i
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = sum(steps[:i]), Fraction(1, 60)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def number(picture):
    return round(picture.mean() * 219 / 255 / 2)


def by_time(path, i, steps):
    """What PyAV gives at the time of frame i: the first frame from there on, after a seek."""
    time = Fraction(sum(steps[:i]), 60)
    with av.open(path) as clip:
        clip.seek(int(time * av.time_base))
        frame = next(frame for frame in clip.decode(video=0) if frame.time >= time - Fraction(1, 1000))
        return number(frame.to_ndarray(format="rgb24"))


print("OpenCV", cv2.__version__, "PyAV", av.__version__)
found = {}
for name, steps in CLIPS.items():
    write("clip.mp4", steps)
    reader, times = cv2.VideoCapture("clip.mp4"), []
    for i in range(FRAMES):
        read, picture = reader.read()
        assert read and number(picture) == i, "CHANGED: reading in order"
        times.append(reader.get(cv2.CAP_PROP_POS_MSEC))
    true = [1000 * sum(steps[:i]) / 60 for i in range(FRAMES)]
    assert np.allclose(times, true, atol=1), "CHANGED: OpenCV's times are no longer those of the frames"
    found[name] = {}
    for i in range(0, FRAMES, 10):
        accepted = reader.set(cv2.CAP_PROP_POS_MSEC, times[i])
        read, picture = reader.read()
        assert accepted and read, "CHANGED: a seek fails and says so"
        found[name][i] = number(picture)
    print(f"{name}: wanted and found", found[name])
    assert all(by_time("clip.mp4", i, steps) == i for i in (10, 40, 70, 90)), "CHANGED: PyAV misses a frame, too"
assert all(i == got for i, got in found["constant 30"].items()), "CHANGED: a constant rate goes wrong"
for name in list(CLIPS)[1:]:
    wrong = sum(i != got for i, got in found[name].items())
    assert wrong >= 8, f"CHANGED: only {wrong} of 10 frames are missed"
assert found["60, then 15"][40] == 16 and found["60, then 15"][80] == 93, "CHANGED: other frames are found"
PY
