#!/usr/bin/env bash
# A good guess: chapters of one recording joined with FFmpeg's concat demuxer run on without a
#   gap, so time x rate still gives the frame number.
# What happens: each chapter starts where the longer stream of the one before ended, and the sound
#   is mostly a few milliseconds longer than the video. With 1.03 s of sound over 1 s of video,
#   the second chapter's first frame is at 30.9 frames and the third's at 61.8: time x rate skips
#   numbers 30 and 61, and every later frame is off by one, then two.
# Versions: PyAV 18.1.0 (FFmpeg 8.1); clips written by the ffmpeg 9.0 of imageio-ffmpeg 0.8.1.
# Why it matters: action cameras split a recording into chapters. Frame numbers from time drift
#   away from the counted ones with every chapter, so boxes sit on other frames than the tracker
#   saw. Count frames, or take them from time chapter by chapter.
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

names = [f"chapter{n}.mp4" for n in (1, 2, 3)]
for name in names:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x96:r=30:d=1"]
    command += ["-f", "lavfi", "-i", "sine=r=48000:d=1.03", "-c:v", "libx264", "-c:a", "aac", name]
    subprocess.run(command, check=True)
Path("chapters.txt").write_text("".join(f"file '{name}'\n" for name in names))


def numbers(path, **options):
    with av.open(path, **options) as clip:
        return [round(frame.time * 30) for frame in clip.decode(video=0)]


print("PyAV", av.__version__, "libavformat", av.library_versions["libavformat"])
single = numbers(names[0])
joined = numbers("chapters.txt", format="concat", options={"safe": "0"})
skipped = sorted(set(range(joined[-1])) - set(joined))
print("one chapter:", single[0], "to", single[-1])
print(f"three chapters: {len(joined)} frames numbered {joined[0]} to {joined[-1]}, skipped {skipped}")
assert single == list(range(30)), "CHANGED: a single chapter is not numbered 0 to 29"
assert len(joined) == 90 and joined[-1] == 91, "CHANGED: the joined chapters no longer end at frame 91"
assert skipped == [30, 61], "CHANGED: the first number of each later chapter is no longer skipped"
PY
