#!/usr/bin/env bash
# A good guess: the rows that GSI fills into a gap carry the class of one of the two sides.
# What happens: the class number is interpolated like a coordinate. A track seen as class 0 (person)
#   before the gap and as 5 (bus) after it is 1, 2, 3 and 4 in between: bicycle, car, motorcycle,
#   aeroplane. The numbers are valid classes, so nothing downstream notices.
# Versions: boxmot 25.0.0.
# Why it matters: detectors change their mind most around occlusions, where the gaps are. Counts per
#   class, colours and exports show objects that nobody detected. Vote on the class of a track first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  scikit-learn==1.7.2 numpy==2.4.6 rich==15.0.0 tqdm==4.70.1
# GSI runs without torch, which boxmot would bring.
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check --no-deps boxmot==25.0.0
cd "$work"
mkdir tracks
printf '%s\n' 1,1,100,100,50,80,0.9,0,-1 2,1,100,100,50,80,0.9,0,-1 \
  7,1,100,100,50,80,0.9,5,-1 8,1,100,100,50,80,0.9,5,-1 > tracks/clip.txt
"$work/venv/bin/python" -W ignore - <<'PY'
from importlib.metadata import version
from pathlib import Path

import numpy as np
from boxmot.postprocessing.gsi import process_file

process_file(Path("tracks/clip.txt"), interval=20, tau=10)
rows = np.loadtxt("tracks/clip.txt", delimiter=",").astype(int)
print("boxmot", version("boxmot"))
print("frame:", *rows[:, 0])
print("class:", *rows[:, 7])
assert rows[:, 7].tolist() == [0, 0, 1, 2, 3, 4, 5, 5], "CHANGED: the classes of filled rows"
PY
