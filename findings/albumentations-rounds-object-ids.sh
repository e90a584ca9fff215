#!/usr/bin/env bash
# A good guess: a label field travels beside its boxes through a transform and comes back unchanged.
# What happens: numbers travel as float32. Lists come back as floats, arrays in their own type, both
#   rounded: from 16,777,217 on neighbours merge, and COCO's 900100184613 and 900100184614 are both
#   900100194304. Text comes back as it was.
# Versions: albumentations 2.0.8.
# Why it matters: ids of annotations or tracks that are sent along to find each box again name another
#   object, or two objects become one. Send the row's number instead, and look the id up afterwards.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  albumentations==2.0.8 albucore==0.0.24 numpy==2.2.6 opencv-python-headless==4.12.0.88
NO_ALBUMENTATIONS_UPDATE=1 "$work/venv/bin/python" -W ignore - <<'PY'
import albumentations
import numpy as np

COCO = [900100184613, 900100184614]
picture = np.zeros((100, 100, 3), np.uint8)
boxes = np.array([[10.0, 10, 20, 20], [30, 30, 10, 10]])


def sent_along(ids):
    """The ids after a flip of two boxes."""
    flip = albumentations.Compose(
        [albumentations.HorizontalFlip(p=1)],
        bbox_params=albumentations.BboxParams(format="coco", label_fields=["ids"]),
    )
    back = flip(image=picture, bboxes=boxes, ids=ids)["ids"]
    print(f"ids {ids} ({type(ids).__name__}) come back as {list(back)}")
    return back


print("albumentations", albumentations.__version__)
small = sent_along([7, 8])
assert list(small) == [7, 8] and isinstance(small[0], float), "CHANGED: whole numbers no longer come back as floats"
middle = sent_along([16777217, 16777219])
assert list(middle) == [16777216, 16777220], "CHANGED: numbers over 2**24 are no longer rounded to float32"
assert list(sent_along(COCO)) == [900100194304] * 2, "CHANGED: neighbouring ids no longer merge"
array = sent_along(np.array(COCO))
assert array.dtype == np.int64 and set(array) == {900100194304}, "CHANGED: an array of ids no longer merges as int64"
assert list(sent_along(["car-7", "car-8"])) == ["car-7", "car-8"], "CHANGED: text no longer comes back as it was"
PY
