#!/usr/bin/env bash
# A good guess: alpha is 8 bits in RGBA and 8 bits in YUVA, so converting copies it; with FFV1 on
#   top the matte comes back bit for bit.
# What happens: every alpha from 128 to 254 comes out one higher (128 -> 129, 254 -> 255), in
#   yuva420p, yuva444p and ya8; the scaler's exact-rounding flags do not help. FFV1 in bgra keeps it.
# Versions: PyAV 18.1.0 (FFmpeg 8.1), and the ffmpeg 9.0 binary of imageio-ffmpeg 0.8.1.
# Why it matters: object numbers stored in the matte (1 grey level per track) come back as their
#   neighbour's, 254 becomes opaque, and a "lossless" matte fails its checksum. Write mattes as
#   gray or bgra, not through yuva.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check av==18.1.0 numpy==2.4.6 imageio-ffmpeg==0.8.1
"$work/venv/bin/python" - "$work" <<'PY'
import subprocess
import sys

import av
import imageio_ffmpeg
import numpy as np

rgba = np.full((16, 256, 4), 100, np.uint8)
rgba[..., 3] = np.arange(256)


def through_ffv1(pix_fmt):
    path = f"{sys.argv[1]}/matte.mkv"
    with av.open(path, "w") as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 256, 16, pix_fmt
        out.mux(stream.encode(av.VideoFrame.from_ndarray(rgba, format="rgba")))
        out.mux(stream.encode(None))
    with av.open(path) as clip:
        frame = next(clip.decode(video=0))
        if pix_fmt == "bgra":
            return frame.to_ndarray()[0, :, 3]
        plane = frame.planes[3]
        return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[0, :256]


def through_command(pix_fmt, flags):
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgba"]
    command += ["-s", "256x16", "-i", "-", "-vf", f"scale=flags={flags},format={pix_fmt}", "-f", "rawvideo", "-"]
    out = subprocess.run(command, input=rgba.tobytes(), capture_output=True, check=True).stdout
    return np.frombuffer(out[-256 * 16 :], np.uint8)[:256]


print("PyAV", av.__version__, "ffmpeg", imageio_ffmpeg.get_ffmpeg_version())
lifted = np.arange(256) + ((np.arange(256) >= 128) & (np.arange(256) < 255))
for name, alpha in (
    ("PyAV yuva420p", through_ffv1("yuva420p")),
    ("PyAV yuva444p", through_ffv1("yuva444p")),
    ("ffmpeg yuva420p accurate_rnd", through_command("yuva420p", "accurate_rnd+full_chroma_int")),
):
    print(f"{name}: {(alpha != np.arange(256)).sum()} of 256 values changed; 127, 128, 254 ->", alpha[[127, 128, 254]])
    assert (alpha == lifted).all(), f"CHANGED: {name} no longer lifts alpha 128..254 by one"
alpha = through_ffv1("bgra")
print("PyAV bgra: changed", (alpha != np.arange(256)).sum())
assert (alpha == np.arange(256)).all(), "CHANGED: bgra no longer keeps the matte"
PY
