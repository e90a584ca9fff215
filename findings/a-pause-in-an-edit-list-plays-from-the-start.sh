#!/usr/bin/env bash
# A good guess: an MP4 whose edit list has a pause in the middle (an empty edit: frames 0 to 9, a second of
#   nothing, frames 10 to 19) is decoded to those 20 frames, with a gap in the times.
# What happens: FFmpeg fills the pause with the clip from its beginning: frames 0 to 9, then 0 to 24 during
#   the second of nothing, then 10 to 19. All are marked as shown and have rising times; the only sign is a
#   warning about a "missing key frame". Skipping edit lists (ignore_editlist) shows hidden frames as well.
# Versions: PyAV 18.1.0 (FFmpeg 8.1), ffmpeg 9.0 of imageio-ffmpeg 0.8.1, opencv-python-headless 5.0.0.93.
# Why it matters: the ISO format allows a pause anywhere but at the end. Objects that left seem to come back,
#   as new ones, and counts double. Read the edit list and drop the frames whose times lie in a pause.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  av==18.1.0 imageio-ffmpeg==0.8.1 numpy==2.4.6 opencv-python-headless==5.0.0.93
cd "$work"
"$work/venv/bin/python" - <<'PY'
import struct
import subprocess
from fractions import Fraction

import av
import cv2
import imageio_ffmpeg
import numpy as np

RATE = 25


def write(path):
    """Two seconds without B-frames; each frame's grey level is its number, times four."""
    with av.open(path, "w") as out:
        stream = out.add_stream("libx264", rate=RATE, options={"qp": "0", "g": "10", "bf": "0", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for i in range(2 * RATE):
            planes = np.full((96, 64), 128, np.uint8)
            planes[:64] = 16 + 4 * i
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = i, Fraction(1, RATE)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def number(picture):
    return round(picture.mean() * 219 / 255 / 4)


def boxes(data):
    """Start, size and type of each box."""
    at = 0
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        yield at, size, kind
        at += size


def content(data, *path):
    for kind in path:
        data = next(data[at + 8 : at + size] for at, size, found in boxes(data) if found == kind)
    return data


def replaced(data, path, inside):
    """The boxes `data` with other contents in one of them; all sizes around it are counted again."""
    out = b""
    for at, size, kind in boxes(data):
        box = data[at : at + size]
        if kind == path[0]:
            box = replaced(box[8:], path[1:], inside) if len(path) > 1 else inside
            box = struct.pack(">I4s", len(box) + 8, kind) + box
        out += box
    return out


def with_edits(data, edits):
    """The file with another edit list, of pairs of seconds: how long, and from where in the media (None: a pause)."""
    movie = content(data, b"moov", b"mvhd")
    track = content(data, b"moov", b"trak", b"tkhd")
    (movie_scale,) = struct.unpack(">I", movie[12:16])
    (scale,) = struct.unpack(">I", content(data, b"moov", b"trak", b"mdia", b"mdhd")[12:16])
    entries = struct.pack(">II", 0, len(edits))
    for length, start in edits:
        entries += struct.pack(">iiI", int(length * movie_scale), -1 if start is None else int(start * scale), 1 << 16)
    whole = struct.pack(">I", int(sum(length for length, _ in edits) * movie_scale))
    data = replaced(data, [b"moov", b"trak", b"edts", b"elst"], entries)
    data = replaced(data, [b"moov", b"mvhd"], movie[:16] + whole + movie[20:])
    return replaced(data, [b"moov", b"trak", b"tkhd"], track[:20] + whole + track[24:])


def by_pyav(path):
    with av.open(path) as clip:
        return [(number(frame.to_ndarray(format="rgb24")), round(float(frame.time), 2)) for frame in clip.decode(video=0)]


def by_opencv(path):
    reader = cv2.VideoCapture(path)
    return [number(picture) for read, picture in iter(reader.read, (False, None)) if read]


def by_ffmpeg(path):
    raw = ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "quiet", "-i", path, *raw], capture_output=True)
    return [number(picture) for picture in np.frombuffer(raw.stdout, np.uint8).reshape(-1, 64, 64, 3)]


print("PyAV", av.__version__, "OpenCV", cv2.__version__, "ffmpeg", imageio_ffmpeg.get_ffmpeg_version())
write("plain.mp4")
plain = open("plain.mp4", "rb").read()
part = Fraction(10, RATE)
first, pause, second = (part, 0), (1, None), (part, part)
open("cut.mp4", "wb").write(with_edits(plain, [first, (part, 3 * part)]))
open("late.mp4", "wb").write(with_edits(plain, [pause, first]))
open("pause.mp4", "wb").write(with_edits(plain, [first, pause, second]))

cut, late, paused = map(by_pyav, ("cut.mp4", "late.mp4", "pause.mp4"))
print("a cut in the edit list:", [n for n, _ in cut])
print("a pause at the start:", late[0], "to", late[-1])
print("a pause in the middle:", paused)
assert [n for n, _ in cut] == [*range(10), *range(30, 40)], "CHANGED: a cut is played differently"
assert late[0] == (0, 1.0) and len(late) == 10, "CHANGED: a pause at the start is played differently"
wrong = [*range(10), *range(25), *range(10, 20)]
assert [n for n, _ in paused] == wrong, "CHANGED: PyAV plays something else in the pause"
assert by_opencv("pause.mp4") == wrong and by_ffmpeg("pause.mp4") == wrong, "CHANGED: OpenCV or ffmpeg differ from PyAV"
print("OpenCV and the ffmpeg command give the same", len(wrong), "frames instead of 20")
PY
