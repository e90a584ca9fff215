#!/usr/bin/env bash
# A good guess: "ffmpeg -i boxes.vtt out.vtt" rewrites WebVTT as WebVTT, so JSON in a cue stays
#   JSON, as it does from SRT.
# What happens: on the way through ASS the WebVTT decoder escapes a brace as \{{}, and no encoder
#   takes that back: {"id": 3} comes out as \{{}"id": 3}. Each further pass adds another round.
#   From SRT the same text is untouched, also into WebVTT.
# Versions: the ffmpeg 9.0 binary of imageio-ffmpeg 0.8.1.
# Why it matters: a metadata track with boxes that was cut or muxed with ffmpeg no longer parses,
#   and the WebVTT that looks the more fitting source is the one that breaks.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check imageio-ffmpeg==0.8.1
cd "$work"
"$work/venv/bin/python" - <<'PY'
import json
import subprocess
from pathlib import Path

import imageio_ffmpeg

TEXT = '{"id": 3}'
Path("boxes.vtt").write_text(f"WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n{TEXT}\n")
Path("boxes.srt").write_text(f"1\n00:00:01,000 --> 00:00:02,000\n{TEXT}\n")


def convert(source, target):
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", "-i", source, target]
    subprocess.run(command, check=True)
    text = next(line for line in Path(target).read_text().splitlines() if "id" in line)
    try:
        fate = "kept" if json.loads(text) == {"id": 3} else "other JSON"
    except json.JSONDecodeError:
        fate = "no longer JSON"
    print(f"{source} -> {target}: {ascii(text)} ({fate})")
    return fate


print("ffmpeg", imageio_ffmpeg.get_ffmpeg_version())
assert convert("boxes.srt", "a.srt") == "kept", "CHANGED: SRT to SRT alters JSON"
assert convert("boxes.srt", "b.vtt") == "kept", "CHANGED: SRT to WebVTT alters JSON"
assert convert("boxes.vtt", "c.srt") == "no longer JSON", "CHANGED: WebVTT to SRT keeps JSON now"
assert convert("boxes.vtt", "d.vtt") == "no longer JSON", "CHANGED: WebVTT to WebVTT keeps JSON now"
convert("d.vtt", "e.vtt")
assert Path("e.vtt").stat().st_size > Path("d.vtt").stat().st_size, "CHANGED: a second pass adds nothing"
PY
