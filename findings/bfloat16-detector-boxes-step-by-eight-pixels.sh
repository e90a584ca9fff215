#!/usr/bin/env bash
# A good guess: a detector in bfloat16 is a little less sure of its boxes, but
#   post_process_object_detection turns them into float32 pixels, so they move smoothly.
# What happens: boxes stay bfloat16 to the end, from model.to(bfloat16) and from float32 weights under
#   autocast alike. bfloat16 has 8 significant bits: beyond x = 1024 every edge is a multiple of 8 px,
#   beyond 2048 of 16. An object that moves 1 px per frame stands still for 8 frames, then jumps.
# Versions: transformers 5.24.0, torch 2.14.1, torchvision 0.29.1.
# Why it matters: velocities on the right of an HD frame are 0 or 8 px per frame, and small boxes lose
#   their overlap, while the left looks fine. Make boxes float32 before the last sigmoid and the
#   scaling.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  transformers==5.24.0 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
HF_HUB_OFFLINE=1 "$work/venv/bin/python" -W ignore - <<'PY'
from types import SimpleNamespace

import torch
import transformers

torch.manual_seed(0)
sizes = {"hidden_sizes": [32, 64, 128, 256], "depths": [2, 2, 2, 2], "embedding_size": 16}
backbone = transformers.RTDetrResNetConfig(**sizes, out_features=["stage2", "stage3", "stage4"])
config = transformers.RTDetrConfig(
    backbone_config=backbone,
    encoder_in_channels=[64, 128, 256],
    encoder_hidden_dim=64,
    decoder_in_channels=[64, 64, 64],
    d_model=64,
    decoder_layers=2,
    num_queries=50,
    num_labels=3,
)
model = transformers.RTDetrForObjectDetection(config).eval()
processor = transformers.RTDetrImageProcessor()
image = torch.rand(1, 3, 640, 640)


def pixels(output, threshold=0.0):
    return processor.post_process_object_detection(output, threshold, [(1080, 1920)])[0]["boxes"]


print("transformers", transformers.__version__, "torch", torch.__version__)
kinds = {}
with torch.no_grad():
    kinds["float32"] = pixels(model(image)).dtype
    with torch.autocast("cpu", torch.bfloat16):
        kinds["autocast"] = pixels(model(image)).dtype
    kinds["bfloat16"] = pixels(model.to(torch.bfloat16)(image.bfloat16())).dtype
print("pixel boxes of", kinds)

right_edges = {}
for start in (300, 1500):
    seen = []
    for x in range(start, start + 24):  # an object 100 px wide, 1 px further in each frame
        box = torch.tensor([[[(x - 50) / 1920, 0.5, 100 / 1920, 0.2]]])
        output = SimpleNamespace(logits=torch.full((1, 1, 3), 3.0).bfloat16(), pred_boxes=box.bfloat16())
        seen.append(round(pixels(output, 0.5)[0, 2].item(), 2))
    right_edges[start] = seen
    print(f"true right edge {start}, {start + 1}, ... {start + 23}: seen", *seen)
assert kinds["autocast"] == kinds["bfloat16"] == torch.bfloat16, "CHANGED: boxes are made float32"
assert all(x % 8 == 0 for x in right_edges[1500]), "CHANGED: edges beyond 1024 px are no multiples of 8"
assert len(set(right_edges[1500])) <= 5, "CHANGED: the steps"
PY
