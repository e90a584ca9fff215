#!/usr/bin/env bash
# A good guess: SRT and WebVTT are plain text to pysubs2, so a cue that holds JSON (a metadata
#   track: one box list per frame) passes through it unchanged, or shifted, or retimed.
# What happens: every {...} counts as an ASS style override. The text is still there in memory,
#   but SRT and WebVTT come out with empty cues, and a caption "car {7}" loses its number. In
#   MicroDVD {"id": 3} even becomes the italics command {Y:i}. webvtt-py keeps the text.
# Versions: pysubs2 1.8.1, webvtt-py 0.6.0.
# Why it matters: one "shift by two seconds" with the best-known subtitle library wipes the boxes
#   out of a metadata track, with the right number of cues at the right times left behind.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check pysubs2==1.8.1 webvtt-py==0.6.0
cd "$work"
"$work/venv/bin/python" - <<'PY'
from pathlib import Path

import pysubs2
import webvtt

TEXTS = ['{"id": 3, "box": [1, 2, 3, 4]}', "car {7}"]
Path("boxes.vtt").write_text(
    "WEBVTT\n" + "".join(f"\n00:00:0{i}.000 --> 00:00:0{i + 1}.000\n{text}\n" for i, text in enumerate(TEXTS))
)

print("pysubs2", pysubs2.VERSION, "webvtt-py", webvtt.__version__)
subs = pysubs2.load("boxes.vtt")
print("in memory:", [event.text for event in subs])
assert [event.text for event in subs] == TEXTS, "CHANGED: pysubs2 alters the text on loading"
subs.shift(s=2)
for kind in ("vtt", "srt"):
    subs.save(f"shifted.{kind}")
    after = [line.strip() for line in Path(f"shifted.{kind}").read_text().splitlines() if "car" in line or "id" in line]
    print(f"pysubs2 to {kind}: lines with text left: {after}")
    assert after == ["car"], f"CHANGED: pysubs2 no longer drops what stands in braces in {kind}"
micro = subs.to_string("microdvd", fps=30).splitlines()
print("pysubs2 to MicroDVD:", micro[1])
assert micro[1].endswith("{Y:i}"), "CHANGED: the JSON cue is no longer read as italics"
webvtt.read("boxes.vtt").save("kept.vtt")
kept = [cue.text for cue in webvtt.read("kept.vtt")]
print("webvtt-py:", kept)
assert kept == TEXTS, "CHANGED: webvtt-py no longer keeps the text"
PY
