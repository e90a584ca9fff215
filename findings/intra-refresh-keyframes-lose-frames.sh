#!/usr/bin/env bash
# A good guess: start decoding at each keyframe, stop at the next, and every frame comes out
#   exactly once; that holds for open GOPs too.
# What happens: with intra refresh (the low-latency mode of drones, phones and screen sharing)
#   x264's recovery points are marked as keyframes, in MP4 as sync samples. After a seek there,
#   the decoder withholds the frames until the refresh is complete. 24 of these 60 frames never
#   come out. No error, no is_corrupt. Decoding from the start gives all 60.
# Versions: PyAV 18.1.0 (FFmpeg 8.1), its libx264.
# Why it matters: work split at keyframes loses the first frames of every part, so tracks break
#   at each seam. Compare the frames you got with the packets you read.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check av==18.1.0 numpy==2.4.6
"$work/venv/bin/python" - "$work" <<'PY'
import sys

import av
import numpy as np

X264 = {
    "open GOP": "open-gop=1:keyint=15:min-keyint=15:scenecut=0:bframes=3:b-adapt=0",
    "intra refresh": "intra-refresh=1:keyint=15:scenecut=0:bframes=0",
}


def write(path, params):
    with av.open(path, "w") as out:
        stream = out.add_stream("libx264", rate=30, options={"x264-params": params})
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for i in range(60):
            pixels = np.full((96, 160, 3), 40, np.uint8)
            pixels[30:60, 2 * i : 2 * i + 30] = 220
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = i
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def decode(path, start=None, end=None):
    with av.open(path) as clip:
        stream = clip.streams.video[0]
        if start is not None:
            clip.seek(start, stream=stream)
        frames = [f for f in clip.decode(stream) if start is None or start <= f.pts < end]
        assert not any(f.is_corrupt for f in frames)
        return [round(f.time * 30) for f in frames]


print("PyAV", av.__version__, "libavcodec", av.library_versions["libavcodec"])
missing = {}
for kind, params in X264.items():
    path = f"{sys.argv[1]}/clip.mp4"
    write(path, params)
    with av.open(path) as clip:
        keys = [p.pts for p in clip.demux(video=0) if p.size and p.is_keyframe]
    parts = [i for a, b in zip(keys, [*keys[1:], 1 << 40]) for i in decode(path, a, b)]
    whole = decode(path)
    missing[kind] = sorted(set(whole) - set(parts))
    print(f"{kind}: {len(keys)} keyframes, {len(whole)} frames in one pass, {len(parts)} in parts,")
    print(f"  missing: {missing[kind]}")
assert not missing["open GOP"], "CHANGED: an open GOP loses frames now"
assert len(missing["intra refresh"]) == 24, "CHANGED: intra refresh no longer loses 24 of 60 frames"
PY
