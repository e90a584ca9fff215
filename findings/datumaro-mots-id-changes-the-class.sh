#!/usr/bin/env bash
# A good guess: MOTS PNG packs class and track id into one number, class x 1000 + id, so an id of
#   1000 or more is refused, or renumbered.
# What happens: it is added as it is. A car (class 1) with id 1234 is written as 2234 and read back as
#   pedestrian 234; if there is a pedestrian 234 already, the two become one object. No warning.
# Versions: Datumaro 1.13.12.
# Why it matters: trackers that count up through a long clip, or over a batch, pass 1000 soon.
#   Renumber tracks per clip before the export.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check datumaro==1.13.12
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
from pathlib import Path

import cv2
import datumaro
import numpy as np
from datumaro.components.annotation import Mask


def mask(x):
    pixels = np.zeros((48, 64), np.uint8)
    pixels[5:15, x : x + 10] = 1
    return pixels


CAR, PEDESTRIAN = 0, 1
objects = [(CAR, 7, 5), (CAR, 1234, 20), (PEDESTRIAN, 234, 40)]
item = datumaro.DatasetItem(
    id="000001",
    subset="train",
    media=datumaro.Image.from_numpy(np.zeros((48, 64, 3), np.uint8)),
    annotations=[Mask(mask(x), label=label, attributes={"track_id": track}) for label, track, x in objects],
)
datumaro.Dataset.from_iterable([item], categories=["car", "pedestrian"]).export("mots", "mots_png", save_media=True)

print("Datumaro", datumaro.__version__)
png = next(Path("mots").rglob("instances/*.png"))
values = np.unique(cv2.imread(str(png), cv2.IMREAD_UNCHANGED)).tolist()
print("pixel values:", values)
back = datumaro.Dataset.import_from("mots", "mots")
names = [label.name for label in back.categories()[datumaro.AnnotationType.label]]
read = sorted((names[a.label], int(a.attributes["track_id"]), int(a.image.sum())) for a in next(iter(back)).annotations)
print("read back (class, id, pixels):", read)
assert values == [0, 1007, 2234], "CHANGED: id 1234 is no longer added to the class"
assert read == [("car", 7, 100), ("pedestrian", 234, 200)], "CHANGED: another result on reading"
PY
