#!/usr/bin/env bash
# A good guess: a line counter goes by track id. An object that is hidden while it crosses the line
#   and comes back on the other side under its old id is counted once.
# What happens: LineZone drops what it knows of an id after two frames without it. The object comes
#   back as new, on its new side, and is never counted. One hidden frame is fine, two are not,
#   although the tracker held the id. A higher minimum_crossing_threshold, which one would raise
#   only to be stricter, lengthens the memory: with 10, a gap of 9 frames is counted.
# Versions: supervision 0.31.2.
# Why it matters: lines lie where objects overlap (gates, doors, lanes), so the count is low just
#   there, and no message says so. Fill the gaps of a track before you count.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check supervision==0.31.2 numpy==2.4.6
"$work/venv/bin/python" -W ignore - <<'PY'
import numpy as np
import supervision as sv


def crossings(hidden, threshold=1):
    """Moves one object down over the line at y=100, unseen for `hidden` frames on the way."""
    line = sv.LineZone(sv.Point(0, 100), sv.Point(400, 100), minimum_crossing_threshold=threshold)
    above = [20.0] * 15
    below = [160.0] * 15
    for y in above + [None] * hidden + below:
        box = np.array([[100, y, 130, y + 30]]) if y is not None else np.empty((0, 4))
        ids = np.full(len(box), 7)
        line.trigger(sv.Detections(xyxy=box, class_id=np.zeros(len(box), int), tracker_id=ids))
    return line.in_count + line.out_count


print("supervision", sv.__version__)
counted = {hidden: crossings(hidden) for hidden in (0, 1, 2, 5)}
print("frames hidden on the line -> crossings counted:", counted)
strict = {hidden: crossings(hidden, threshold=10) for hidden in (5, 9, 20)}
print("the same with minimum_crossing_threshold=10:", strict)
assert counted == {0: 1, 1: 1, 2: 0, 5: 0}, "CHANGED: the memory of an absent object"
assert strict == {5: 1, 9: 1, 20: 0}, "CHANGED: the threshold no longer sets the memory"
PY
