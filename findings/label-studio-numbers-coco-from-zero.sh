#!/usr/bin/env bash
# A good guess: Label Studio's COCO export, compared with itself by COCOeval, has an AP of 1.
# What happens: its annotation ids start at 0, and COCOeval keeps the matched id with 0 for "not matched".
#   The first box counts as missed and whatever finds it as false. A file with one object has an AP of
#   0. faster-coco-eval does the same, hotcoco gives 1. From id 1 on all three give 1.
# Versions: label-studio-sdk 2.1.2, pycocotools 2.0.11, faster-coco-eval 1.8.0, hotcoco 1.3.0.
# Why it matters: every score of a hand-labelled test set is a little low, a rare class's by far, and
#   two evaluators that claim to agree do not. Renumber the annotations from 1 before you evaluate.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check label-studio-sdk==2.1.2 \
  pycocotools==2.0.11 faster-coco-eval==1.8.0 hotcoco==1.3.0 numpy==2.2.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import contextlib
import io
import json
from importlib.metadata import version
from pathlib import Path

import faster_coco_eval
import hotcoco
from label_studio_sdk.converter import Converter
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

CONFIG = """<View><Image name="image" value="$image"/><RectangleLabels name="label" toName="image">
<Label value="car"/><Label value="person"/></RectangleLabels></View>"""


def labelled(number, left, label):
    """A Label Studio task: an image of 100x100 with one box of 30x30."""
    Path("images").mkdir(exist_ok=True)
    path = Path(f"images/{number}.png").resolve()
    Image.new("RGB", (100, 100)).save(path)
    value = {"x": left, "y": 10, "width": 30, "height": 30, "rotation": 0, "rectanglelabels": [label]}
    names = {"id": "box", "from_name": "label", "to_name": "image", "type": "rectanglelabels"}
    result = {**names, "original_width": 100, "original_height": 100, "value": value}
    annotation = {"id": number, "completed_by": 1, "created_at": "2026-01-01", "result": [result]}
    return {"id": number, "data": {"image": str(path)}, "annotations": [annotation]}


Path("tasks.json").write_text(json.dumps([labelled(11, 10, "person"), labelled(12, 30, "car"), labelled(13, 60, "car")]))
converter = Converter(CONFIG, project_dir=".", download_resources=False)
converter.convert_to_coco("tasks.json", "export", output_image_dir="images", is_dir=False)
exported = json.loads(Path("export/result.json").read_text())


def precision(truth, coco, evaluator):
    """AP of perfect detections per category's name."""
    Path("truth.json").write_text(json.dumps(truth))
    keys = ("image_id", "category_id", "bbox")
    Path("found.json").write_text(json.dumps([{**{k: a[k] for k in keys}, "score": 0.9} for a in truth["annotations"]]))
    aps = {}
    with contextlib.redirect_stdout(io.StringIO()):
        ground = coco("truth.json")
        for category in truth["categories"]:
            run = evaluator(ground, ground.loadRes("found.json"), "bbox")
            run.params.catIds = [category["id"]]
            run.evaluate(), run.accumulate(), run.summarize()
            aps[category["name"]] = round(float(run.stats[0]), 3)
    return aps


EVALUATORS = {
    "pycocotools": (COCO, COCOeval),
    "faster-coco-eval": (faster_coco_eval.COCO, faster_coco_eval.COCOeval_faster),
    "hotcoco": (hotcoco.COCO, hotcoco.COCOeval),
}
print(*(f"{name} {version(name)}" for name in ("label-studio-sdk", *EVALUATORS)), sep=", ")
print("annotation ids of the export:", [a["id"] for a in exported["annotations"]])
from_one = {**exported, "annotations": [{**a, "id": a["id"] + 1} for a in exported["annotations"]]}
for name, classes in EVALUATORS.items():
    seen, renumbered = precision(exported, *classes), precision(from_one, *classes)
    print(f"{name:>16}: AP as exported {seen}, ids from 1 {renumbered}")
    wanted = 1 if name == "hotcoco" else 0
    assert seen == {"car": 1, "person": wanted}, f"CHANGED: {name} on an annotation with id 0"
    assert renumbered == {"car": 1, "person": 1}, f"CHANGED: {name} on ids from 1"
assert exported["annotations"][0]["id"] == 0, "CHANGED: Label Studio no longer numbers from 0"
PY
