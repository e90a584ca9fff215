#!/usr/bin/env bash
# A good guess: seek(pts_of_a_keyframe) with the default backward=True lands on that keyframe,
#   or before it.
# What happens: in MPEG-TS with B-frames it lands after it. The demuxer starts at the packet
#   that follows the keyframe, so the decoder drops everything up to the next keyframe: the
#   first frame you get is a whole GOP late, without an error. MP4 and MKV do as you expect.
# Versions: PyAV 18.1.0 (FFmpeg 8.1).
# Why it matters: splitting a recorder's or a drone's TS at its keyframes to detect in parallel
#   skips one GOP per chunk. Seek at least one GOP early and drop frames up to the wanted time.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check av==18.1.0 numpy==2.4.6
"$work/venv/bin/python" - "$work" <<'PY'
import sys

import av
import numpy as np


def write(path):
    with av.open(path, "w") as out:
        stream = out.add_stream("libx264", rate=30, options={"g": "30", "bf": "2", "sc_threshold": "0"})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for i in range(300):
            pixels = np.full((96, 160, 3), 40, np.uint8)
            pixels[30:60, i % 130 : i % 130 + 30] = 220
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = i
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def landings(path):
    """Frames between each requested keyframe and the first frame decoded after the seek."""
    with av.open(path) as clip:
        stream = clip.streams.video[0]
        step = round(1 / (30 * stream.time_base))
        keys = [p.pts for p in clip.demux(stream) if p.size and p.is_keyframe]
    late = []
    for key in keys[:-1]:
        with av.open(path) as clip:
            stream = clip.streams.video[0]
            clip.seek(key, stream=stream)
            late.append(round((next(clip.decode(stream)).pts - key) / step))
    return late


print("PyAV", av.__version__, "libavformat", av.library_versions["libavformat"])
seen = {}
for kind in ("mp4", "mkv", "ts"):
    write(f"{sys.argv[1]}/clip.{kind}")
    seen[kind] = landings(f"{sys.argv[1]}/clip.{kind}")
    print(f"{kind}: frames late after seeking to each keyframe: {seen[kind]}")
assert set(seen["mp4"]) == set(seen["mkv"]) == {0}, "CHANGED: MP4 or MKV no longer lands on the keyframe"
assert set(seen["ts"]) == {30}, "CHANGED: a seek in MPEG-TS no longer lands one GOP late"
PY
