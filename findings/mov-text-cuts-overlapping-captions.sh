#!/usr/bin/env bash
# A good guess: captions that overlap in time, one per object on screen, survive in an MP4's
#   mov_text track as they do in SRT or Matroska.
# What happens: a mov_text sample ends where the next begins. Of two captions from 1 to 5 s
#   the first lasts no time at all, and one that starts at 3 s ends both of them there. Text and
#   count are complete, nothing warns, and a player shows one object at a time.
# Versions: the ffmpeg 9.0 binary of imageio-ffmpeg 0.8.1, read back with PyAV 18.1.0 (FFmpeg 8.1).
# Why it matters: labels burned in for review show all objects, the same labels as MP4 captions
#   hide all but the latest. Merge simultaneous captions into one cue with several lines first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check av==18.1.0 imageio-ffmpeg==0.8.1
cd "$work"
"$work/venv/bin/python" - <<'PY'
import subprocess
from pathlib import Path

import av
import imageio_ffmpeg

FFMPEG = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", "-i"]
CUES = [(1, 5, "car 7"), (1, 5, "person 8"), (3, 6, "dog 9")]
Path("labels.srt").write_text(
    "".join(f"{n}\n00:00:0{a},000 --> 00:00:0{b},000\n{text}\n\n" for n, (a, b, text) in enumerate(CUES, 1))
)


def spans(path):
    """Start and end of each caption, as the container's packets have them."""
    with av.open(path) as file:
        packets = [p for p in file.demux(subtitles=0) if p.size > 2]
    return [
        (round(float(p.pts * p.time_base), 3), round(float((p.pts + p.duration) * p.time_base), 3), str(bytes(p)))
        for p in packets
    ]


print("ffmpeg", imageio_ffmpeg.get_ffmpeg_version(), "PyAV", av.__version__)
seen = {}
for name, codec in (("labels.mkv", "subrip"), ("labels.mp4", "mov_text")):
    subprocess.run([*FFMPEG, "labels.srt", "-c:s", codec, name], check=True)
    found = [(a, b, text) for a, b, got in spans(name) for *_, text in CUES if text in got]
    seen[name] = found
    print(name, found)
assert seen["labels.mkv"] == CUES, "CHANGED: Matroska no longer keeps overlapping captions"
assert seen["labels.mp4"] == [
    (1, 1, "car 7"),
    (1, 3, "person 8"),
    (3, 6, "dog 9"),
], "CHANGED: mov_text no longer ends each caption at the next"
PY
