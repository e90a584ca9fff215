#!/usr/bin/env bash
# A good guess: warpAffine and remap round the sampling positions to 1/32 px, as OpenCV always has;
#   a shift of 0.01 px changes nothing.
# What happens: OpenCV 5 interpolates at the true position. A shift of 0.01 px changes a float image
#   as it should; 4.13 returns the input. On an 8-bit frame one pixel in five differs between the
#   two versions, by one level.
# Versions: opencv-python-headless 4.13.0.92, 5.0.0.93.
# Why it matters: stored checksums of stabilised or resampled frames break with the upgrade, although
#   nothing is wrong. Slow sub-pixel drift that 4.x swallowed, frame by frame, is now applied.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
cat > "$work/warp.py" <<'PY'
import sys

import cv2
import numpy as np

noise = np.random.default_rng(0).random((120, 160), np.float32)
image = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 1.5), None, 0, 255, cv2.NORM_MINMAX)
inside = (slice(5, -5), slice(5, -5))
print("OpenCV", cv2.__version__)
for shift in (0.01, 0.1, 0.3):
    move = np.float32([[1, 0, shift], [0, 1, 0]])
    exact = image.copy()
    exact[:, 1:] = image[:, 1:] * (1 - shift) + image[:, :-1] * shift
    warped = cv2.warpAffine(image, move, (160, 120))
    x, y = np.meshgrid(np.arange(160, dtype=np.float32) - np.float32(shift), np.arange(120, dtype=np.float32))
    mapped = cv2.remap(image, x, y, cv2.INTER_LINEAR)
    change = np.abs(warped - image)[inside].max()
    error = max(np.abs(w - exact)[inside].max() for w in (warped, mapped))
    print(f"  shift {shift}: changes the image by up to {change:.3f}, error up to {error:.5f} grey levels")
    if cv2.__version__ >= "5":
        assert error < 0.01 and change > 0.1, "CHANGED: OpenCV 5 no longer warps exactly"
    else:
        assert error > 0.1 and (change == 0) == (shift == 0.01), "CHANGED: 4.x no longer rounds to 1/32 px"
frame = cv2.warpAffine(image.astype(np.uint8), np.float32([[1, 0, 0.3], [0, 1, 0.7]]), (160, 120))
np.save(f"{sys.argv[1]}/frame{cv2.__version__[0]}.npy", frame[inside])
if cv2.__version__ >= "5":
    old = np.load(f"{sys.argv[1]}/frame4.npy")
    levels = np.abs(old.astype(int) - frame[inside])
    print(f"8-bit frames: {(levels > 0).mean():.0%} of the pixels differ, at most by {levels.max()}")
    assert 0.05 < (levels > 0).mean(), "CHANGED: 4.x and 5 warp 8-bit frames alike"
PY
for version in 4.13.0.92 5.0.0.93; do
  "$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
    "opencv-python-headless==$version" numpy==2.4.6
  "$work/venv/bin/python" "$work/warp.py" "$work"
done
