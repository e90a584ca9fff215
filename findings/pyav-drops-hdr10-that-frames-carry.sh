#!/usr/bin/env bash
# A good guess: decoded HDR10 frames carry the mastering display and the light levels as side data,
#   so passing them to libx265 keeps both, as the ffmpeg command does.
# What happens: the encoder reads both from its own context when it opens. The ffmpeg command copies
#   them there from the first frame, PyAV does not. The file has the PQ and BT.2020 tags but not
#   these two; SVT-AV1 loses them in the same way. Each frame still has them right before encode().
# Versions: PyAV 18.1.0 (FFmpeg 8.1), the ffmpeg 9.0 binary of imageio-ffmpeg 0.8.1.
# Why it matters: an annotated HDR clip is tone-mapped with a TV's fallback values, so it looks
#   brighter or duller than the source beside it, though nothing in the code touches the light.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check av==18.1.0 imageio-ffmpeg==0.8.1
cd "$work"
"$work/venv/bin/python" - 2> "$work/log" <<'PY' || { tail -20 "$work/log"; exit 1; }
import subprocess

import av
import imageio_ffmpeg

FFMPEG = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error"]
LIGHT = {"MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL"}
HDR10 = (
    "log-level=error:colorprim=9:transfer=16:colormatrix=9:hdr10=1:max-cll=1000,400:"
    "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
)


def light(frame):
    return LIGHT & {data.type.name for data in frame.side_data}


def first(path):
    with av.open(path) as clip:
        frame = next(clip.decode(video=0))
        return int(frame.color_trc), light(frame)


def through_pyav(codec, options):
    with av.open("source.mp4") as clip, av.open("pyav.mp4", "w") as out:
        source = clip.streams.video[0]
        stream = out.add_stream(codec, rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p10le"
        for tag in ("colorspace", "color_trc", "color_primaries", "color_range"):
            setattr(stream.codec_context, tag, getattr(source.codec_context, tag))
        for frame in clip.decode(source):
            assert light(frame) == LIGHT, "CHANGED: decoded frames no longer carry the light levels"
            frame.pict_type = 0
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return first("pyav.mp4")


make = ["-f", "lavfi", "-i", "testsrc2=s=160x96:r=10:d=1,format=yuv420p10le", "-c:v", "libx265"]
subprocess.run([*FFMPEG, *make, "-x265-params", HDR10, "source.mp4"], check=True, capture_output=True)
again = ["-i", "source.mp4", "-c:v", "libx265", "-x265-params", "log-level=error", "command.mp4"]
subprocess.run([*FFMPEG, *again], check=True, capture_output=True)
by_command = first("command.mp4")
by_pyav = through_pyav("libx265", {"x265-params": "log-level=error"})
by_av1 = through_pyav("libsvtav1", {"preset": "12"})
print("PyAV", av.__version__, "ffmpeg", imageio_ffmpeg.get_ffmpeg_version())
print("ffmpeg command, libx265: transfer", by_command[0], sorted(by_command[1]))
print("PyAV, libx265: transfer", by_pyav[0], sorted(by_pyav[1]))
print("PyAV, libsvtav1: transfer", by_av1[0], sorted(by_av1[1]))
assert by_command == (16, LIGHT), "CHANGED: the ffmpeg command no longer keeps the light levels"
assert by_pyav == by_av1 == (16, set()), "CHANGED: PyAV keeps the light levels now"
PY
