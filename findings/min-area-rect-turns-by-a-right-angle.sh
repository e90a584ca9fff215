#!/usr/bin/env bash
# A good guess: since OpenCV 4.5.1 the angle of minAreaRect lies above 0 and at most 90 degrees, and
#   in 5.0 as well.
# What happens: 4.13 and 5.0 went back to what 4.5.0 had: from -90 up to, not including, 0, with
#   width and height exchanged. The same four corners give (60, 20), 10 degrees in 4.12 and (20, 60),
#   -80 degrees in 4.13. The rectangle is the same, the five numbers are not.
# Versions: opencv-python-headless 4.12.0.88, 4.13.0.92, 5.0.0.93.
# Why it matters: oriented boxes (aerial video, text) are stored and tracked as these five numbers.
#   Labels written by one version and results of another differ by 90 degrees, and a Kalman filter
#   over width, height and angle sees a jump. Normalise (long side first) before you compare.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
for version in 4.12.0.88 4.13.0.92 5.0.0.93; do
  "$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
    "opencv-python-headless==$version" "numpy<2.3"
  "$work/venv/bin/python" - <<'PY'
import cv2

new = cv2.__version__ >= "4.13"
print("OpenCV", cv2.__version__)
for turned in (0, 10, 45, 80, 90, 100):
    corners = cv2.boxPoints(((100, 100), (60, 20), turned))
    _, (width, height), angle = cv2.minAreaRect(corners)
    print(f"  60x20 turned by {turned:3}: {width:.0f}x{height:.0f} at {angle:.1f}")
    expected = -90.001 < angle < 0 if new else 0 < angle < 90.001
    assert expected, f"CHANGED: {angle} degrees in {cv2.__version__}"
PY
done
