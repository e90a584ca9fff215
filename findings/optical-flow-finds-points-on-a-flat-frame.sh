#!/usr/bin/env bash
# A good guess: pyramidal Lucas-Kanade sets status 0 where it can't find a point, so on a frame
#   without any texture (a fade, a flash, a grey frame after a decoding error) it finds none.
# What happens: it tests the texture of the first frame only. On a flat grey frame about nine points
#   in ten are "found", about as many as in another scene; on a black or white one, one in four,
#   some 200 px away. estimateAffinePartial2D returns a matrix for each: a shift of 8 px for grey, a
#   zoom and a shift of hundreds for black and white. Points outside the frame keep status 1, too.
# Versions: opencv-python 5.0.0.93 (4.13.0 gives the same numbers).
# Why it matters: trackers that compensate camera motion (BoT-SORT and its kin) use these two calls
#   and move every track by that matrix: one grey frame and all identities are gone. Check the share
#   of inliers and track the points back before you believe a matrix.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  opencv-python-headless==5.0.0.93 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import cv2
import numpy as np


def scene(seed):
    noise = np.random.default_rng(seed).random((480, 640), np.float32)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 1.5), None, 20, 235, cv2.NORM_MINMAX).astype(np.uint8)


first = scene(0)
points = cv2.goodFeaturesToTrack(first, 1000, 0.01, 10)
later = {
    "moved by 5 px": np.roll(first, 5, axis=1),
    "flat grey": np.full_like(first, 128),
    "black": np.zeros_like(first),
    "white": np.full_like(first, 255),
    "another scene": scene(1),
}
print("OpenCV", cv2.__version__, "points:", len(points))
share, motion = {}, {}
for name, frame in later.items():
    at, status, _ = cv2.calcOpticalFlowPyrLK(first, frame, points, None)
    found = status.ravel() == 1
    share[name] = found.mean()
    moved = np.linalg.norm(at - points, axis=2).ravel()[found]
    matrix, _ = cv2.estimateAffinePartial2D(points[found], at[found])
    motion[name] = np.hypot(matrix[0, 2], matrix[1, 2])
    x, y = at[found].reshape(-1, 2).T
    outside = ((x < 0) | (x > 639) | (y < 0) | (y > 479)).sum()
    print(f"{name:14} found {share[name]:4.0%}, median step {np.median(moved):5.1f} px, outside {outside:2}", end="")
    print(f", zoom {np.hypot(*matrix[0, :2]):.2f}, shift {motion[name]:.0f} px")
assert share["flat grey"] > 0.5, "CHANGED: a flat frame has no points"
assert share["black"] > 0.1 and share["white"] > 0.1, "CHANGED: a black or white frame has no points"
assert motion["flat grey"] > 5 and motion["black"] > 50, "CHANGED: the matrix of a flat frame is harmless"
PY
