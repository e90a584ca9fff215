#!/usr/bin/env bash
# A good guess: read_frame_timestamps_nanos lists the frames that a player shows, at their own times.
# What happens: it lists every stored frame, counted from the first one. Of a clip cut without encoding
#   the frames before the cut, which an edit list hides, come first and take the times of the frames
#   shown. A clip whose picture starts half a second in starts at zero. Plain and fragmented files agree.
# Versions: rerun-sdk 0.41.0, PyAV 18.1.0, ffmpeg 9.0 of imageio-ffmpeg 0.8.1.
# Why it matters: boxes logged at the decoder's times lie over other frames: ahead of their object in
#   a trimmed clip, behind it in one that starts late. Encode such clips again before you log them.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  rerun-sdk==0.41.0 av==18.1.0 imageio-ffmpeg==0.8.1 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" - <<'PY'
import subprocess

import av
import imageio_ffmpeg
import numpy as np
import rerun


def write(path, start=0):
    with av.open(path, "w") as out:
        stream = out.add_stream("libx264", rate=30, options={"g": "30", "bf": "2", "sc_threshold": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(90):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 2 * i, np.uint8), format="rgb24")
            frame.pts = i + start
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def copy(path, *options, after=()):
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([ffmpeg, "-v", "error", *options, "-i", "plain.mp4", "-c", "copy", *after, path], check=True)


def both(path):
    """Number of frames and time of the first one in milliseconds, from rerun and from PyAV."""
    times = rerun.AssetVideo(path=path).read_frame_timestamps_nanos()
    with av.open(path) as clip:
        shown = [float(frame.time) for frame in clip.decode(video=0)]
    return (len(times), round(times[0] / 1e6)), (len(shown), round(shown[0] * 1e3))


write("plain.mp4")
write("late.mp4", start=15)
copy("trimmed.mp4", "-ss", "1.5")
copy("fragmented.mp4", after=("-movflags", "+frag_keyframe+empty_moov"))
print("rerun", rerun.__version__, "PyAV", av.__version__, "ffmpeg", imageio_ffmpeg.get_ffmpeg_version())
seen = {}
for name in ("plain", "fragmented", "late", "trimmed"):
    ours, theirs = seen[name] = both(f"{name}.mp4")
    print(f"{name:>10}: rerun {ours[0]} frames from {ours[1]} ms, PyAV {theirs[0]} frames from {theirs[1]} ms")
assert seen["plain"] == ((90, 0), (90, 0)), "CHANGED: a plain file"
assert seen["fragmented"][0] == seen["fragmented"][1], "CHANGED: a fragmented file"
assert seen["late"] == ((90, 0), (90, 500)), "CHANGED: a file that starts late"
assert seen["trimmed"][0][0] > seen["trimmed"][1][0] == 45, "CHANGED: rerun leaves hidden frames out"
assert seen["trimmed"][0][1] == seen["trimmed"][1][1] == 0, "CHANGED: the first time of a trimmed file"
PY
