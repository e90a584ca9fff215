#!/usr/bin/env bash
# A good guess: ray.data.read_videos gives one row per frame that a player shows.
# What happens: in a clip trimmed without re-encoding (a phone's trim, ffmpeg -ss -c copy) it counts
#   the frames that the edit list hides, but decodes only the visible ones, and fills the rest up
#   with the last picture: 60 rows here, of which the last 40 are the same frame. A log line speaks
#   of corrupted frames, the rows do not. PyAV gives the 21 that are shown.
# Versions: Ray 2.60.0 with decord 0.6.0, PyAV 18.1.0 (FFmpeg 8.1), ffmpeg 9.0 of imageio-ffmpeg 0.8.1.
# Why it matters: every object stands still at the end of every trimmed clip; dwell times, speeds
#   and stopped-vehicle alarms are wrong, with frame_index counting on as if all was well.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check \
  "ray[data]==2.60.0" decord==0.6.0 av==18.1.0 "numpy==2.4.6" imageio-ffmpeg==0.8.1
cd "$work"
"$work/venv/bin/python" - <<'PY' 2> "$work/log" || { tail -20 "$work/log"; exit 1; }
import subprocess

import av
import imageio_ffmpeg
import numpy as np
import ray

with av.open("whole.mp4", "w") as out:
    stream = out.add_stream("libx264", rate=30, options={"g": "60", "sc_threshold": "0"})
    stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
    for i in range(60):  # the grey level tells which frame it is
        frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 40 + 3 * i, np.uint8), format="rgb24")
        frame.pts = i
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))
ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-ss", "1.3", "-i", "whole.mp4", "-c", "copy", "cut.mp4"]
subprocess.run(ffmpeg, check=True)


def number(pixels):
    return round((float(pixels.mean()) - 40) / 3)


print("Ray", ray.__version__, "PyAV", av.__version__, "ffmpeg", imageio_ffmpeg.get_ffmpeg_version())
with av.open("cut.mp4") as clip:
    shown = [number(frame.to_ndarray(format="rgb24")) for frame in clip.decode(video=0)]
ray.init(num_cpus=1, include_dashboard=False, logging_level="ERROR", object_store_memory=100 << 20)
rows = ray.data.read_videos("cut.mp4").take_all()
seen = [number(row["frame"]) for row in sorted(rows, key=lambda row: row["frame_index"])]
print(f"PyAV: {len(shown)} frames, {shown}")
print(f"Ray: {len(seen)} rows, {seen}")
assert shown == list(range(39, 60)), "CHANGED: PyAV no longer gives the frames that the edit list shows"
assert len(seen) > len(shown), "CHANGED: Ray gives as many rows as there are frames"
assert seen[len(shown) :] == [shown[-1]] * (len(seen) - len(shown)), "CHANGED: the extra rows are not the last frame"
PY
