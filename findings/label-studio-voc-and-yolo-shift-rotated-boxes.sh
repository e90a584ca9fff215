#!/usr/bin/env bash
# A good guess: one rotated rectangle in Label Studio is exported to COCO, Pascal VOC and YOLO as the same
#   upright box around it.
# What happens: COCO gets that box. VOC and YOLO ignore the angle but keep the corner about which the rectangle
#   was rotated: at 30 degrees the IoU with the right box is 0.29, at 90 and 180 degrees the box lies wholly
#   beside its object. No warning is logged. YOLO's oriented boxes are right.
# Versions: label-studio-sdk 2.1.2.
# Why it matters: two exports of one project train on different places, and the wrong one is right for every
#   object that was drawn upright, so a look at a few images finds nothing.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check label-studio-sdk==2.1.2 numpy==2.2.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import json
import logging
import math
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

from label_studio_sdk.converter import Converter
from PIL import Image

SIZE, CENTRE, WIDTH, HEIGHT = 200, 100, 80, 20  # pixels
CONFIG = """<View><Image name="image" value="$image"/>
<RectangleLabels name="label" toName="image"><Label value="car"/></RectangleLabels></View>"""


class Warnings(logging.Handler):
    """Keeps what is logged at the level of warnings or above."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())


def corners(degrees):
    """Of the rectangle turned about its centre, from its top left one on."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    half = [(-WIDTH / 2, -HEIGHT / 2), (WIDTH / 2, -HEIGHT / 2), (WIDTH / 2, HEIGHT / 2), (-WIDTH / 2, HEIGHT / 2)]
    return [(CENTRE + x * c - y * s, CENTRE + x * s + y * c) for x, y in half]


def around(points):
    xs, ys = zip(*points)
    return min(xs), min(ys), max(xs), max(ys)


def iou(a, b):
    across, down = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(across, 0) * max(down, 0)
    return both / (sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)) - both)


def exports(degrees):
    """The box (x1, y1, x2, y2) that each format gets. Label Studio keeps the turned top left corner, in percent."""
    x, y = corners(degrees)[0]
    value = {
        "x": x / SIZE * 100, "y": y / SIZE * 100, "width": WIDTH / SIZE * 100, "height": HEIGHT / SIZE * 100,
        "rotation": degrees, "rectanglelabels": ["car"],
    }  # fmt: skip
    size = {"original_width": SIZE, "original_height": SIZE}
    result = {"id": "a", "type": "rectanglelabels", "from_name": "label", "to_name": "image", "value": value, **size}
    task = {"id": 1, "data": {"image": str(Path("a.png").resolve())}, "annotations": [{"id": 1, "result": [result]}]}
    Path("tasks.json").write_text(json.dumps([task]))
    converter, to = Converter(CONFIG, ".", download_resources=False), Path(str(degrees))
    converter.convert_to_coco("tasks.json", str(to / "coco"), is_dir=False)
    converter.convert_to_voc("tasks.json", str(to / "voc"), is_dir=False)
    converter.convert_to_yolo("tasks.json", str(to / "yolo"), is_dir=False)
    converter.convert_to_yolo("tasks.json", str(to / "obb"), is_dir=False, is_obb=True)
    x, y, width, height = json.loads((to / "coco/result.json").read_text())["annotations"][0]["bbox"]
    (file,) = (to / "voc").rglob("*.xml")
    box = ElementTree.parse(file).find("object/bndbox")
    found = {"COCO": (x, y, x + width, y + height)}
    found["VOC"] = tuple(float(box.find(name).text) for name in ("xmin", "ymin", "xmax", "ymax"))
    x, y, width, height = (float(n) * SIZE for n in next((to / "yolo/labels").glob("*.txt")).read_text().split()[1:])
    found["YOLO"] = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    points = [float(n) * SIZE for n in next((to / "obb/labels").glob("*.txt")).read_text().split()[1:]]
    found["YOLO OBB"] = around(zip(points[::2], points[1::2]))
    return found


print("label-studio-sdk", version("label-studio-sdk"))
Image.new("RGB", (SIZE, SIZE)).save("a.png")
warned = Warnings()
logging.getLogger().addHandler(warned)
scores = {}
for degrees in (0, 30, 90, 180):
    right, found = around(corners(degrees)), exports(degrees)
    scores[degrees] = {name: iou(box, right) for name, box in found.items()}
    print(f"{degrees} degrees, right", [round(n) for n in right], end=" ")
    print({name: [round(n) for n in box] for name, box in found.items()})
    print("   IoU", {name: round(score, 2) for name, score in scores[degrees].items()})
assert not warned.messages, "CHANGED: a warning is logged"
for degrees, score in scores.items():
    assert min(score["COCO"], score["YOLO OBB"]) > 0.97, "CHANGED: COCO or oriented boxes"
assert min(scores[0].values()) > 0.97, "CHANGED: upright boxes"
for name in ("VOC", "YOLO"):
    assert scores[30][name] < 0.35 and scores[90][name] == scores[180][name] == 0, f"CHANGED: {name}"
PY
