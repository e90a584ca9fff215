#!/usr/bin/env bash
# A good guess: a box 20 px wide and 40 px high has an area of 800, and an augmentation that flips
#   or resizes image and boxes together keeps the box on its object.
# What happens: kornia takes box edges for pixel centres. The same 20x40 box has an area of 741 as
#   "xyxy" and 1711 as (10, 20, 30, 60) "xywh" (width and height less 1), although its mask has 800
#   and 1800 pixels. A horizontal flip puts the box one pixel beside the flipped object, at 169-189
#   instead of 170-190. Resizing scales it by (new - 1) / (old - 1): 0.6 px off at twice the size.
#   torchvision's v2 transforms give the exact edges.
# Versions: kornia 0.9.0, torch 2.14.1, torchvision 0.29.1.
# Why it matters: half of a training set (flips with p=0.5) is labelled one pixel to the left. For an
#   object 8 px wide that is an IoU of 0.78 with itself.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  kornia==0.9.0 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
"$work/venv/bin/python" -W ignore - <<'PY'
import kornia
import kornia.augmentation as augmentation
import torch
from kornia.geometry.boxes import Boxes
from torchvision.transforms.v2 import functional
from torchvision.tv_tensors import BoundingBoxes

EDGES = [10.0, 20.0, 30.0, 60.0]
box = torch.tensor([[EDGES]])
image = torch.zeros(1, 1, 100, 200)
image[..., 20:60, 10:30] = 1  # fills the box exactly
same = BoundingBoxes([EDGES], format="XYXY", canvas_size=(100, 200))

print("kornia", kornia.__version__, "torch", torch.__version__)
areas = {}
for mode in ("xyxy", "xywh"):
    boxes = Boxes.from_tensor(box, mode=mode)
    areas[mode] = boxes.compute_area().item(), boxes.to_mask(100, 100).sum().item()
    print(f"{EDGES} as {mode}: area {areas[mode][0]:.0f}, mask {areas[mode][1]:.0f} pixels")


def filled(pixels):
    """Edges of the part of the image that is brighter than half."""
    rows, columns = (pixels[0, 0] > 0.5).nonzero().T
    return [columns.min().item(), rows.min().item(), columns.max().item() + 1, rows.max().item() + 1]


shifts = {}
for name, step, reference in (
    ("flip", augmentation.RandomHorizontalFlip(p=1.0), functional.horizontal_flip(same)),
    ("resize", augmentation.Resize((200, 400)), functional.resize(same, [200, 400])),
):
    pixels, moved = augmentation.AugmentationSequential(step, data_keys=["input", "bbox_xyxy"])(image, box)
    at, object_at = moved.reshape(4).tolist(), filled(pixels)
    shifts[name] = max(abs(a - b) for a, b in zip(at, object_at, strict=True))
    print(f"{name:6} object {object_at}, torchvision {reference[0].tolist()}, kornia {[round(v, 2) for v in at]}")
    assert reference[0].tolist() == object_at, "CHANGED: torchvision"
assert areas == {"xyxy": (741, 800), "xywh": (1711, 1800)}, "CHANGED: areas"
assert shifts["flip"] == 1 and 0.5 < shifts["resize"] < 0.7, "CHANGED: flip or resize"
PY
