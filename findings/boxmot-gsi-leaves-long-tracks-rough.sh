#!/usr/bin/env bash
# A good guess: Gaussian-smoothed interpolation (GSI) takes the jitter out of every track, long or
#   short, and leaves a box that stands still alone.
# What happens: the width of the Gaussian is tau * ln(tau^3 / length), so at the default tau of 10 it
#   shrinks to nothing as a track nears 1,000 frames: from about 900 frames on (30 s) the jitter is
#   what it was. The result is then cut to whole pixels, not rounded: 49.9999 becomes 49. A box that
#   stands still at 50 px wide comes out as 49 and 50 in turn, and all boxes lie half a pixel to the
#   left and above.
# Versions: boxmot 25.0.0, scikit-learn 1.7.2.
# Why it matters: the best tracks, those that never broke, are the ones that stay rough, and a
#   smoothing pass adds a flicker to what was still. Set tau by the length of the clip.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  scikit-learn==1.7.2 numpy==2.4.6 rich==15.0.0 tqdm==4.70.1
# GSI runs without torch, which boxmot would bring.
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check --no-deps boxmot==25.0.0
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
from importlib.metadata import version
from pathlib import Path

import numpy as np
from boxmot.postprocessing.gsi import process_file


def smooth(left, width):
    """Runs GSI over one track, a MOT file, and returns its left edges and widths."""
    Path("tracks").mkdir(exist_ok=True)
    rows = [f"{i + 1},1,{x:.3f},100,{w:.3f},80,0.9,1,-1\n" for i, (x, w) in enumerate(zip(left, width, strict=True))]
    Path("tracks/clip.txt").write_text("".join(rows))
    process_file(Path("tracks/clip.txt"), interval=20, tau=10)
    return np.loadtxt("tracks/clip.txt", delimiter=",")[:, [2, 4]].T


def shake(x):
    return np.diff(x).std()


print("boxmot", version("boxmot"), "scikit-learn", version("scikit-learn"))
ratio = {}
for length in (50, 200, 500, 900, 1500):
    path = 200 + 0.5 * np.arange(length)
    noisy = path + np.random.default_rng(0).normal(0, 3, length)
    out, width = smooth(noisy, np.full(length, 50.0))
    ratio[length] = shake(out - path) / shake(noisy - path)
    print(f"{length:4} frames: {ratio[length]:4.0%} of the jitter left,", end=" ")
    print(f"offset {np.mean(out - noisy):+.2f} px, width 50 becomes {sorted(set(width.astype(int).tolist()))}")
still, _ = smooth(np.full(200, 300.0), np.full(200, 50.0))
print("a box at 300 px in all 200 frames comes out at", sorted(set(still.astype(int).tolist())))
assert ratio[50] < 0.5 and ratio[200] < 0.5, "CHANGED: short tracks are no longer smoothed"
assert ratio[900] > 0.9 and ratio[1500] > 0.9, "CHANGED: long tracks are smoothed"
assert len(set(still.tolist())) > 1, "CHANGED: a still box stays still"
PY
