#!/usr/bin/env bash
# A good guess: a COCO polygon is the same mask in supervision as in pycocotools, and a mask that
#   supervision saves as COCO is read back by pycocotools as it was.
# What happens: supervision paints polygons with their right and lower border and traces masks through the
#   middle of their border pixels. pycocotools does neither. A 6x6 object from a COCO file becomes 7x7, a
#   6x6 mask is saved as a polygon, and a box, of 5x5; a pole one pixel wide is saved without a polygon.
#   supervision reads its own files back unchanged, so a round trip shows nothing. "area" stays 36.
# Versions: supervision 0.31.2, pycocotools 2.0.11.
# Why it matters: the annotations, scored against themselves, have a mask AP of 0.5 at 6x6 px and 0.9 at
#   20x20; masks from a perfect model, once saved, 0.4 and 0.9. Write the masks with pycocotools, as RLE.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  supervision==0.31.2 pycocotools==2.0.11 numpy==2.4.6
cd "$work"
mkdir images
"$work/venv/bin/python" -W ignore - <<'PY'
import contextlib
import io
import json
from importlib.metadata import version

import numpy as np
import supervision as sv
from PIL import Image
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

OBJECTS, IMAGE = 6, "images/a.png"
Image.new("RGB", (200, 200)).save(IMAGE)


def quiet(call, *arguments):
    with contextlib.redirect_stdout(io.StringIO()):
        return call(*arguments)


def write_truth(size):
    """Square objects of `size` pixels, as COCO polygons."""
    annotations = []
    for i in range(OBJECTS):
        x, y = 10 + 30 * i, 40
        x2, y2 = x + size, y + size
        annotations.append(
            {
                "id": i + 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "area": size * size,
                "bbox": [x, y, size, size], "segmentation": [[x, y, x2, y, x2, y2, x, y2]],
            }
        )  # fmt: skip
    image = {"id": 1, "file_name": "a.png", "width": 200, "height": 200}
    with open("truth.json", "w") as file:
        json.dump({"images": [image], "categories": [{"id": 1, "name": "car"}], "annotations": annotations}, file)


def average_precision(truth, masks):
    results = [
        {"image_id": 1, "category_id": 1, "score": 1.0, "segmentation": rle.encode(np.asfortranarray(mask, np.uint8))}
        for mask in masks
    ]
    evaluation = COCOeval(truth, quiet(truth.loadRes, results), "segm")
    for step in (evaluation.evaluate, evaluation.accumulate, evaluation.summarize):
        quiet(step)
    return evaluation.stats[0]


def save(masks):
    """What supervision writes for `masks`: its annotations, and their masks as pycocotools reads them."""
    detections = sv.Detections(xyxy=sv.mask_to_xyxy(masks), mask=masks, class_id=np.zeros(len(masks), int))
    dataset = sv.DetectionDataset(classes=["car"], images=[IMAGE], annotations={IMAGE: detections})
    dataset.as_coco(annotations_path="saved.json")
    coco = quiet(COCO, "saved.json")
    annotations = coco.dataset["annotations"]
    return annotations, [coco.annToMask(a) for a in annotations if a["segmentation"]]


def load(path):
    ((_, _, detections),) = sv.DetectionDataset.from_coco("images", path, force_masks=True)
    return detections.mask


print("supervision", version("supervision"), "pycocotools", version("pycocotools"))
scores = {}
for size in (6, 12, 20):
    write_truth(size)
    truth = quiet(COCO, "truth.json")
    masks = np.array([truth.annToMask(a) for a in truth.dataset["annotations"]], bool)
    read = load("truth.json")
    annotations, saved = save(masks)
    scores[size] = average_precision(truth, read), average_precision(truth, saved)
    box, area = annotations[0]["bbox"][2:], annotations[0]["area"]
    print(
        f"{size}x{size}: pycocotools {masks[0].sum()} px; supervision reads {read[0].sum()}, AP {scores[size][0]:.1f}; "
        f"saved {saved[0].sum()} with box {box} and area {area}, AP {scores[size][1]:.1f}; "
        f"read back {load('saved.json')[0].sum()}"
    )
    assert masks[0].sum() == size**2, "CHANGED: pycocotools"
    assert read[0].sum() == (size + 1) ** 2, "CHANGED: supervision no longer paints the far border"
    assert saved[0].sum() == (size - 1) ** 2 and box == [size - 1] * 2, "CHANGED: masks keep their size when saved"
    assert area == size**2 and load("saved.json")[0].sum() == size**2, "CHANGED: the area, or the round trip"
assert scores[6][0] < 0.55 and scores[6][1] < 0.45, "CHANGED: the scores of small objects"
pole = np.zeros((1, 200, 200), bool)
pole[0, 50:70, 60] = True
annotations, saved = save(pole)
print("a pole of 1x20:", annotations[0]["segmentation"], "box", annotations[0]["bbox"], "area", annotations[0]["area"])
assert annotations[0]["segmentation"] == [] and annotations[0]["bbox"][2] == 0, "CHANGED: thin masks are saved"
PY
