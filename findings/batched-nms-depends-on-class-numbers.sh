#!/usr/bin/env bash
# A good guess: torchvision's batched_nms is nms for each class; the numbers of the classes are only
#   names.
# What happens: up to 1,000 boxes on the CPU (25,000 on a GPU) it moves every class away by class
#   number times frame size and runs nms once, in float32. Far from zero the corners are rounded: at
#   class 1,200 of a 3,000 px frame by up to 1/8 px, at index 20,000 (frame * 80 + class, to do a
#   whole clip at once) by 2 px. Which of two boxes survives then depends on the number of their
#   class, and on whether there happen to be more than 1,000 boxes, since then it runs class by class.
# Versions: torch 2.14.1, torchvision 0.29.1.
# Why it matters: with COCO's 80 classes few images differ, with LVIS or a clip as one batch most do:
#   small objects lose their box or get a second one, a birth or a switch for the tracker.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check torch==2.14.1 torchvision==0.29.1
"$work/venv/bin/python" -W ignore - <<'PY'
import torch
import torchvision
from torchvision.ops import batched_nms, nms

IMAGES = 50


def image(generator):
    """150 small objects in a frame of 3,000 px, each found twice."""
    corner = torch.rand(150, 2, generator=generator) * 3000
    size = torch.rand(150, 2, generator=generator) * 40 + 8
    once = torch.cat([corner, corner + size], 1)
    boxes = torch.cat([once, once + torch.randn(150, 4, generator=generator) * 2])
    return boxes, torch.rand(300, generator=generator), torch.arange(150).repeat(2)


def each_class(boxes, scores, objects, classes):
    """What nms keeps of each class, in order of score."""
    kept = []
    for number in classes.unique():
        members = (classes == number).nonzero()[:, 0]
        kept.append(members[nms(boxes[members], scores[members], 0.7)])
    kept = torch.cat(kept)
    return kept[scores[kept].argsort(descending=True)]


print("torch", torch.__version__, "torchvision", torchvision.__version__)
differ = {}
for classes_known in (80, 1203, 24000):
    generator = torch.Generator().manual_seed(0)
    images, boxes_wrong = 0, 0
    for _ in range(IMAGES):
        boxes, scores, objects = image(generator)
        classes = torch.randint(0, classes_known, (150,), generator=generator)[objects]
        right = each_class(boxes, scores, objects, classes).tolist()
        got = batched_nms(boxes, scores, classes, 0.7).tolist()
        images += got != right
        boxes_wrong += len(set(got) ^ set(right))
    differ[classes_known] = images
    print(f"{classes_known:6} class numbers: {images} of {IMAGES} images differ, {boxes_wrong} boxes")

# The same boxes again, with 800 more of another class far away: no longer one pass.
crowd = torch.tensor([[9e3, 9e3, 9010.0, 9010.0]]).repeat(800, 1)
boxes, scores = torch.cat([boxes, crowd]), torch.cat([scores, torch.rand(800)])
classes = torch.cat([classes, torch.full((800,), 90000)])
with_crowd = {i for i in batched_nms(boxes, scores, classes, 0.7).tolist() if i < 300}
print("last image right:", set(got) == set(right), "- with 800 unrelated boxes added:", with_crowd == set(right))
assert differ[80] < differ[1203] < differ[24000] == IMAGES, "CHANGED: class numbers no longer matter"
assert with_crowd == set(right) != set(got), "CHANGED: more boxes no longer change the method"
PY
