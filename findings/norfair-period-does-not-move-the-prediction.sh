#!/usr/bin/env bash
# A good guess: tracker.update(period=5), meant for skipped frames, predicts the objects five frames
#   ahead.
# What happens: period only adds to the hit counter of a detected object. The Kalman filter moves by
#   one step for each call and a missed object ages by one, whatever the period: the unit is the
#   call, not the frame. An object at 10 px per frame, then looked at every fifth frame, is expected
#   10 px on instead of 50. With a constant period the filter learns the longer step, so all seems
#   right.
# Versions: norfair 2.3.0 (needs NumPy 1, so Python 3.12 or older).
# Why it matters: skip frames only when the load is high, or as a variable-rate clip has them, and
#   fast objects fall out of the distance threshold at each change of pace and get new ids.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check norfair==2.3.0 "numpy<2"
"$work/venv/bin/python" - <<'PY'
from importlib.metadata import version

import numpy as np
from norfair import Detection, Tracker


def track(period, updates):
    tracker = Tracker("euclidean", distance_threshold=500, initialization_delay=0)
    for i in range(updates):
        seen = [Detection(np.array([[10.0 * period * i, 0.0]]))]
        (tracked,) = tracker.update(seen, period=period)
    return tracker, tracked


def step(tracker, period):
    """How far the prediction moves in one update without detections."""
    (before,) = tracker.get_active_objects()
    x, hits = before.estimate[0, 0], before.hit_counter
    (after,) = tracker.update(period=period)
    return after.estimate[0, 0] - x, hits - after.hit_counter


print("norfair", version("norfair"))
tracker, _ = track(period=1, updates=30)
moves = [step(tracker, period=5) for _ in range(2)]
for moved, aged in moves:
    print(f"after 30 single frames, update(period=5): moved {moved:.1f} px of 50, hit counter down by {aged}")
even, _ = step(track(period=5, updates=30)[0], period=5)
print(f"always period=5: moved {even:.1f} px of 50")
assert all(9 < moved < 12 and aged == 1 for moved, aged in moves), "CHANGED: period moves or ages the prediction"
assert 45 < even < 55, "CHANGED: a constant period"
PY
