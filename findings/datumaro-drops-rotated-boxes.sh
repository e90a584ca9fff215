#!/usr/bin/env bash
# A good guess: a box that was rotated in CVAT reaches COCO as a polygon, and formats without rotation as the
#   upright box around it.
# What happens: Datumaro reads it with its angle, and then every exporter here leaves it out: COCO, Pascal VOC,
#   LabelMe, KITTI and MOT hold the upright boxes only. No warning is logged, and the image stays in the
#   set. Only Datumaro's own format refuses.
# Versions: Datumaro 1.13.12.
# Why it matters: objects that lie at an angle (vehicles from a drone, text, ships) become background that the
#   model learns to ignore, and recall in an evaluation looks better than it is. Put as_polygon() in their
#   place before the export.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check datumaro==1.13.12
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import json
import logging
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

import datumaro as dm
import numpy as np
from datumaro.components.annotation import Polygon, RotatedBbox
from PIL import Image

CVAT = """<annotations><version>1.1</version><meta><task><id>1</id><name>t</name><size>2</size><mode>annotation</mode>
<labels><label><name>car</name><attributes></attributes></label></labels></task></meta>
<image id="0" name="a.png" width="200" height="200">
<box label="car" occluded="0" xtl="10" ytl="20" xbr="40" ybr="60" z_order="0"></box>
<box label="car" occluded="0" xtl="60" ytl="90" xbr="140" ybr="110" rotation="30" z_order="0"></box></image>
<image id="1" name="b.png" width="200" height="200">
<box label="car" occluded="0" xtl="60" ytl="90" xbr="140" ybr="110" rotation="30" z_order="0"></box></image>
</annotations>"""


class Warnings(logging.Handler):
    """Keeps what is logged at the level of warnings or above."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())


def coco(path):
    return json.loads(path.read_text())["annotations"] if path.suffix == ".json" else []


def xml(path):
    return ElementTree.parse(path).findall("object") if path.suffix == ".xml" else []


def kitti(path):
    return path.read_text().splitlines() if "label_2" in path.parts else []


def mot(path):
    return path.read_text().splitlines() if path.name == "gt.txt" else []


FORMATS = {"coco_instances": coco, "voc_detection": xml, "label_me": xml, "kitti_detection": kitti, "mot_seq_gt": mot}


def objects(dataset):
    return {item.id: [type(annotation).__name__ for annotation in item.annotations] for item in dataset}


warned = Warnings()
logging.getLogger().addHandler(warned)
Path("cvat/images").mkdir(parents=True)
Path("cvat/annotations.xml").write_text(CVAT)
for name in "ab":
    Image.fromarray(np.zeros((200, 200, 3), np.uint8)).save(f"cvat/images/{name}.png")
print("Datumaro", version("datumaro"))
dataset = dm.Dataset.import_from("cvat", "cvat")
print("from CVAT:", objects(dataset))
assert objects(dataset) == {"a": ["Bbox", "RotatedBbox"], "b": ["RotatedBbox"]}, "CHANGED: what is read from CVAT"
warned.messages.clear()
for name, count in FORMATS.items():
    dataset.export(name, name, save_media=True)
    written = [found for path in Path(name).rglob("*.*") for found in count(path)]
    print(f"{name}: {len(written)} object in 2 images, warnings {warned.messages}")
    assert not warned.messages, "CHANGED: the loss is told"
    assert len(written) == 1, f"CHANGED: {name} keeps rotated boxes"
try:
    dataset.export("own", "datumaro")
except NotImplementedError:
    print("datumaro: NotImplementedError")
else:
    raise SystemExit("CHANGED: Datumaro's own format takes rotated boxes")

for item in dataset:
    for i, box in enumerate(item.annotations):
        if isinstance(box, RotatedBbox):
            item.annotations[i] = Polygon([c for corner in box.as_polygon() for c in corner], label=box.label)
    dataset.put(item)
dataset.export("polygons", "coco_instances")
(path,) = Path("polygons/annotations").glob("*.json")
boxes = [[round(v) for v in annotation["bbox"]] for annotation in coco(path)]
print("COCO after as_polygon:", boxes)
assert len(boxes) == 3 and boxes[1] == [60, 71, 79, 57], "CHANGED: polygons"
PY
