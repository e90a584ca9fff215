#!/usr/bin/env bash
# A good guess: an image processor turns a box into fractions of its own image. Which other images
#   share the batch doesn't matter, and post_process_object_detection undoes it.
# What happens: if the images differ in size, the labels are fractions of the padded batch. The label
#   of a 640x480 image beside a 480x640 one loses a quarter of its height and moves up; undone with
#   the image's size, as for predictions, the box (64, 48)-(384, 288) comes back as (64, 36)-(384, 216).
#   DETR, Conditional and Deformable DETR, YOLOS, Grounding DINO and RF-DETR do this; RT-DETR, which
#   does not pad, doesn't.
# Versions: transformers 5.24.0, torch 2.14.1, torchvision 0.29.1.
# Why it matters: a fine-tuning on clips of mixed sizes or orientations learns boxes that depend on
#   the shuffle. The loss falls all the same; batch size 1 or equal sizes show nothing.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  transformers==5.24.0 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
HF_HUB_OFFLINE=1 "$work/venv/bin/python" -W ignore - <<'PY'
from types import SimpleNamespace

import numpy as np
import torch
import transformers

PADDING = ("Detr", "ConditionalDetr", "DeformableDetr", "Yolos", "GroundingDino", "RfDetr")
wide, tall = np.zeros((480, 640, 3), np.uint8), np.zeros((640, 480, 3), np.uint8)


def annotation(number):
    box = {"image_id": number, "category_id": 0, "bbox": [64, 48, 320, 240], "area": 76800, "iscrowd": 0}
    return {"image_id": number, "annotations": [box]}


def label(processor, images):
    batch = processor(images, annotations=[annotation(i) for i in range(len(images))], return_tensors="pt")
    return batch["labels"][0]["boxes"]


print("transformers", transformers.__version__)
for family in (*PADDING, "RTDetr"):
    processor = getattr(transformers, f"{family}ImageProcessor")()
    alone, beside = label(processor, [wide]), label(processor, [wide, tall])
    print(f"{family:15} alone {[round(v, 3) for v in alone[0].tolist()]}, beside a tall image", end=" ")
    print([round(v, 3) for v in beside[0].tolist()])
    same = torch.allclose(alone, beside, atol=1e-4)
    assert same == (family not in PADDING), f"CHANGED: labels of {family}"

processor = transformers.DeformableDetrImageProcessor()
perfect = SimpleNamespace(logits=torch.full((1, 1, 1), 9.0), pred_boxes=label(processor, [wide, tall])[None])
(back,) = processor.post_process_object_detection(perfect, target_sizes=[(480, 640)], top_k=1)
print("a prediction equal to its label comes back as", [round(v) for v in back["boxes"][0].tolist()])
assert torch.allclose(back["boxes"], torch.tensor([[64.0, 36, 384, 216]]), atol=1), "CHANGED: the way back"
PY
