#!/usr/bin/env bash
# A good guess: in a WebM without a duration (a browser's MediaRecorder, or ffmpeg into a pipe)
#   OpenCV cannot seek, so set(CAP_PROP_POS_FRAMES, 300) or the read after it returns False.
# What happens: both return True, and the picture is frame 0, whatever number you asked for. Only
#   CAP_PROP_POS_FRAMES, which says 0, gives it away. The frame count is a negative number with 18
#   digits. PyAV seeks in the same file to the exact keyframe.
# Versions: opencv-python-headless 5.0.0.93, PyAV 18.1.0 (FFmpeg 8.1).
# Why it matters: crops, thumbnails or second passes by frame number all show the first frame, with
#   the boxes of another. Check CAP_PROP_POS_FRAMES after each seek.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  av==18.1.0 numpy==2.4.6 opencv-python-headless==5.0.0.93
cd "$work"
"$work/venv/bin/python" - <<'PY'
import io

import av
import cv2
import numpy as np


class Pipe(io.RawIOBase):
    """Takes bytes in order and cannot seek, as a browser's recorder or a pipe."""

    def __init__(self):
        self.data = bytearray()

    def writable(self):
        return True

    def seekable(self):
        return False

    def write(self, chunk):
        self.data += chunk
        return len(chunk)


pipe = Pipe()
with av.open(pipe, "w", format="webm") as out:
    stream = out.add_stream("libvpx-vp9", rate=30, options={"deadline": "realtime", "cpu-used": "8", "g": "30"})
    stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
    for i in range(400):  # the grey level tells the second
        frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 40 + 10 * (i // 30), np.uint8), format="rgb24")
        frame.pts = i
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))
open("browser.webm", "wb").write(pipe.data)

print("OpenCV", cv2.__version__, "PyAV", av.__version__)
with av.open("browser.webm") as clip:
    clip.seek(10_000_000)
    frame = next(clip.decode(video=0))
    print(f"PyAV: duration {clip.duration}, seek to 10 s lands at {frame.time:.3f} s")
    assert frame.time == 10, "CHANGED: PyAV does not land on frame 300"
answers = []
for wanted in (300, 150):
    reader = cv2.VideoCapture("browser.webm")
    count = reader.get(cv2.CAP_PROP_FRAME_COUNT)
    accepted = reader.set(cv2.CAP_PROP_POS_FRAMES, wanted)
    at = reader.get(cv2.CAP_PROP_POS_FRAMES)
    read, pixels = reader.read()
    answers.append((accepted, read, at, round((pixels.mean() - 40) / 10)))
    print(f"OpenCV: count {count:.3g}, set {wanted} -> {accepted}, position {at}, read {read},", end=" ")
    print(f"picture of second {answers[-1][3]}")
assert count < 0, "CHANGED: the frame count is no longer negative"
assert all(a == (True, True, 0, 0) for a in answers), "CHANGED: OpenCV no longer shows frame 0 after the seek"
PY
