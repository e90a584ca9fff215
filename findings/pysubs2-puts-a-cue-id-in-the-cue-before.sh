#!/usr/bin/env bash
# A good guess: pysubs2 has no place for a WebVTT cue's identifier, so it drops it.
# What happens: it becomes the last line of the text of the cue before. The first identifier is
#   lost. Numbers are the exception: a bare "12" is taken for a counter and dropped.
# Versions: pysubs2 1.8.1, webvtt-py 0.6.0.
# Why it matters: where identifiers name the tracks ("car-7"), the viewer reads every label with
#   the next object's name under it, and a parser counts objects that are not there yet.
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


def through(*identifiers):
    """Texts in pysubs2, one per cue, for cues with these identifiers and the texts T0, T1..."""
    cues = [f"\n{name}\n00:00:0{i}.000 --> 00:00:0{i + 1}.000\nT{i}\n" for i, name in enumerate(identifiers)]
    Path("labels.vtt").write_text("WEBVTT\n" + "".join(cues))
    right = [(cue.identifier, cue.text) for cue in webvtt.read("labels.vtt")]
    assert right == [(name, f"T{i}") for i, name in enumerate(identifiers)], right
    texts = [event.plaintext.split() for event in pysubs2.load("labels.vtt")]
    print(f"identifiers {identifiers}: pysubs2 reads {texts}")
    return texts


print("pysubs2", pysubs2.VERSION, "webvtt-py", webvtt.__version__)
assert through("1", "2", "3") == [["T0"], ["T1"], ["T2"]], "CHANGED: numbers leak into the text"
assert through("car-7", "person-8", "dog-9") == [
    ["T0", "person-8"],
    ["T1", "dog-9"],
    ["T2"],
], "CHANGED: identifiers no longer end up in the cue before"
PY
