#!/usr/bin/env bash
# A good guess: converting CVAT tracks to COCO with Datumaro numbers the annotations afresh, so
#   that COCO's rule of unique ids holds.
# What happens: the track's id becomes the annotation id, the same on every frame. pycocotools
#   keeps one annotation per id: it answers every frame with the last frame's box. From KITTI or
#   YOLO files it is the row number that repeats. Nothing warns.
# Versions: Datumaro 1.13.12, pycocotools 2.0.11.
# Why it matters: an object that moves through 3 frames is evaluated, and trained on, as if it stood
#   at its last place in all of them. Set every annotation's id to 0 before you export.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check datumaro==1.13.12 pycocotools==2.0.11
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import contextlib
import io
import json
from pathlib import Path

import cv2
import datumaro
import numpy as np
from pycocotools.coco import COCO

picture = np.zeros((48, 64, 3), np.uint8)
Path("cvat/images").mkdir(parents=True)
for i in range(3):
    cv2.imwrite(f"cvat/images/frame_{i:06d}.png", picture)
box = '<box frame="{i}" outside="0" occluded="0" keyframe="1" xtl="{x}" ytl="5" xbr="{r}" ybr="15" z_order="0"/>'
boxes = "".join(box.format(i=i, x=10 * i, r=10 * i + 10) for i in range(3))
Path("cvat/annotations.xml").write_text(
    f"""<annotations><version>1.1</version><meta><task><id>1</id><size>3</size><mode>interpolation</mode>
<start_frame>0</start_frame><stop_frame>2</stop_frame><labels><label><name>car</name><attributes/></label></labels>
<original_size><width>64</width><height>48</height></original_size></task></meta>
<track id="7" label="car" source="manual">{boxes}</track></annotations>"""
)


def to_coco(dataset, folder):
    dataset.export(folder, "coco_instances", save_media=True)
    path = next(Path(folder, "annotations").glob("*.json"))
    written = json.loads(path.read_text())
    with contextlib.redirect_stdout(io.StringIO()):
        read = COCO(str(path))
    ids = [a["id"] for a in written["annotations"]]
    seen = {im["id"]: [a["bbox"][0] for a in read.loadAnns(read.getAnnIds(im["id"]))] for im in written["images"]}
    print(f"{folder}: ids {ids}; left edges pycocotools gives per image: {seen}")
    return ids, [x for edges in seen.values() for x in edges]


print("Datumaro", datumaro.__version__)
tracks = datumaro.Dataset.import_from("cvat", "cvat")
ids, edges = to_coco(tracks, "as-imported")
assert ids == [7, 7, 7], "CHANGED: the track id is no longer the annotation id"
assert edges == [20.0, 20.0, 20.0], "CHANGED: pycocotools no longer gives the last box for every frame"

items = [item.wrap(annotations=[a.wrap(id=0) for a in item.annotations]) for item in tracks]
fixed = datumaro.Dataset.from_iterable(items, categories=tracks.categories())
ids, edges = to_coco(fixed, "ids-set-to-0")
assert len(set(ids)) == 3 and sorted(edges) == [0.0, 10.0, 20.0], "CHANGED: id 0 no longer gives unique ids"
PY
