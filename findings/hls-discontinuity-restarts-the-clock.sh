#!/usr/bin/env bash
# A good guess: an HLS playlist with EXT-X-DISCONTINUITY plays on in one timeline, as in every player: frame
#   times rise to the playlist's duration, and a seek to 1.5 s finds the frame shown there.
# What happens: after each discontinuity the times start again with those of the segment: the last of 3 s of
#   frames has the time 0.967, in OpenCV too. The duration is the playlist's 3 s, so a seek beyond the first
#   second is accepted, and then decode gives no frame at all, without an error. The ffmpeg command does
#   play on.
# Versions: PyAV 18.1.0 (FFmpeg 8.1), opencv-python-headless 5.0.0.93, ffmpeg 9.0 of imageio-ffmpeg 0.8.1.
# Why it matters: recorders that reconnect, and streams with advertisements, write one at every join. Tracks
#   kept by time lie on top of each other, and parallel work by seeks loses all but the first piece. Copy the
#   playlist into one MP4 with the ffmpeg command first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  av==18.1.0 imageio-ffmpeg==0.8.1 numpy==2.4.6 opencv-python-headless==5.0.0.93
cd "$work"
"$work/venv/bin/python" - <<'PY'
import subprocess
from fractions import Fraction

import av
import cv2
import imageio_ffmpeg
import numpy as np


def write(path, first):
    """One second at 30 fps; each frame's grey level is its number in the whole, times two."""
    with av.open(path, "w", format="mpegts") as out:
        stream = out.add_stream("libx264", rate=30, options={"qp": "0", "g": "15", "bf": "0", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for i in range(30):
            planes = np.full((96, 64), 128, np.uint8)
            planes[:64] = 16 + 2 * (first + i)
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = i, Fraction(1, 30)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def number(picture):
    return round(picture.mean() * 219 / 255 / 2)


def read(path, start=None):
    """Numbers and times of the frames, from a seek to `start` seconds on."""
    with av.open(path) as clip:
        if start is not None:
            clip.seek(int(start * av.time_base))
        return [(number(frame.to_ndarray(format="rgb24")), round(float(frame.time), 3)) for frame in clip.decode(video=0)]


for piece in range(3):
    write(f"{piece}.ts", 30 * piece)
pieces = "#EXT-X-DISCONTINUITY\n".join(f"#EXTINF:1.0,\n{piece}.ts\n" for piece in range(3))
head = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXT-X-PLAYLIST-TYPE:VOD\n"
open("clip.m3u8", "w").write(head + pieces + "#EXT-X-ENDLIST\n")

print("PyAV", av.__version__, "OpenCV", cv2.__version__, "ffmpeg", imageio_ffmpeg.get_ffmpeg_version())
frames = read("clip.m3u8")
with av.open("clip.m3u8") as clip:
    print(f"PyAV: duration {clip.duration / av.time_base} s, {len(frames)} frames;", end=" ")
    print("29, 30 and 89:", [frames[i] for i in (29, 30, 89)])
    assert clip.duration == 3 * av.time_base, "CHANGED: the duration is no longer the playlist's"
assert [n for n, _ in frames] == list(range(90)), "CHANGED: not all frames are read in order"
assert frames[30][1] < frames[29][1] and frames[89][1] == frames[29][1], "CHANGED: times run on"
reader, times = cv2.VideoCapture("clip.m3u8"), []
while reader.read()[0]:
    times.append(round(reader.get(cv2.CAP_PROP_POS_MSEC)))
print("OpenCV: times of 29, 30 and 89 in ms:", [times[i] for i in (29, 30, 89)])
assert times[30] < times[29] == times[89], "CHANGED: OpenCV's times run on"
seeks = {start: len(read("clip.m3u8", start)) for start in (0.5, 1, 1.5, 2, 2.5)}
print("PyAV: frames after a seek to n seconds:", seeks)
assert seeks.pop(0.5) == 90 and not any(seeks.values()), "CHANGED: a seek beyond the first piece finds frames"
command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "quiet", "-i", "clip.m3u8", "-c", "copy", "clip.mp4"]
subprocess.run(command, check=True)
copied = read("clip.mp4")
sought = read("clip.mp4", 1.5)[0]
print("copied by the ffmpeg command:", [copied[i] for i in (29, 30, 89)], "and after a seek to 1.5 s:", sought)
assert copied[89] == (89, 2.967) and sought == (45, 1.5), "CHANGED: the ffmpeg command"
PY
