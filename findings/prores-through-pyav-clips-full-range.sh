#!/usr/bin/env bash
# A good guess: give the encoder color_range=full as the decoded frames have it, and the picture
#   comes back the same, as with H.264; or it is converted, as the ffmpeg command does.
# What happens: ProRes, CineForm and MPEG-2 know limited range only. The ffmpeg command converts
#   for them. PyAV passes the full-range values on and the file says limited, or nothing: near-white
#   250 comes back as 255 and shadows go black. No error; H.264 and DNxHR keep the range.
# Versions: PyAV 18.1.0 (FFmpeg 8.1), the ffmpeg 9.0 binary of imageio-ffmpeg 0.8.1.
# Why it matters: footage of many phones is full range. An intermediate for the editor loses the detail
#   in sky and shadow, and a detector that reads the intermediate sees other pixels than before.
#   Reformat to limited range yourself for these encoders.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check av==18.1.0 numpy==2.4.6 imageio-ffmpeg==0.8.1
cd "$work"
"$work/venv/bin/python" - <<'PY'
import subprocess

import av
import imageio_ffmpeg
import numpy as np

FULL, BT709 = 2, 1
SUFFIX = {"libx264": "mp4", "prores_ks": "mov", "cfhd": "mov", "mpeg2video": "mpg", "dnxhd": "mov"}
PIXELS = {"libx264": "yuv422p", "dnxhd": "yuv422p", "mpeg2video": "yuv422p"}
PROFILE = {"dnxhd": {"profile": "dnxhr_hq"}}


def encode(path, codec, pix_fmt, frames, options):
    with av.open(path, "w") as out:
        stream = out.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 320, 240, pix_fmt
        stream.codec_context.color_range, stream.codec_context.colorspace = FULL, BT709
        for frame in frames:
            frame.pict_type = 0
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def grey(path):
    with av.open(path) as clip:
        frame = next(clip.decode(video=0))
        return int(frame.color_range), int(frame.to_ndarray(format="rgb24")[120, 160, 1])


def source():
    for i in range(3):
        frame = av.VideoFrame(320, 240, "yuv422p")
        for plane, value in zip(frame.planes, (250, 128, 128)):
            plane.update(bytes([value]) * plane.buffer_size)
        frame.color_range, frame.colorspace, frame.pts = FULL, BT709, i
        yield frame


print("PyAV", av.__version__, "ffmpeg", imageio_ffmpeg.get_ffmpeg_version())
encode("phone.mkv", "ffv1", "yuv422p", source(), {})
print("source: range, grey =", grey("phone.mkv"))
assert grey("phone.mkv") == (FULL, 250), "CHANGED: FFV1 alters full range"
for codec, suffix in SUFFIX.items():
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", "-i", "phone.mkv", "-c:v", codec]
    command += [part for k, v in PROFILE.get(codec, {}).items() for part in (f"-{k}:v", v)]
    subprocess.run([*command, f"command.{suffix}"], check=True)
    with av.open("phone.mkv") as clip:
        pix_fmt = PIXELS.get(codec, "yuv422p10le")
        encode(f"pyav.{suffix}", codec, pix_fmt, clip.decode(video=0), PROFILE.get(codec, {}))
    by_command, by_pyav = grey(f"command.{suffix}"), grey(f"pyav.{suffix}")
    print(f"{codec}: ffmpeg command {by_command}, PyAV {by_pyav}")
    assert abs(by_command[1] - 250) <= 4, f"CHANGED: the ffmpeg command no longer converts for {codec}"
    if codec in ("libx264", "dnxhd"):
        assert by_pyav == (FULL, 250), f"CHANGED: PyAV no longer keeps full range with {codec}"
    else:
        assert by_pyav[0] != FULL and by_pyav[1] == 255, f"CHANGED: PyAV no longer clips with {codec}"
PY
