#!/usr/bin/env bash
# A good guess: asked for "remote control", "red car" and "blue car", Grounding DINO labels each box
#   with one of the three, all the more if post-processing is handed the three as text_labels.
# What happens: a label is every token above text_threshold, joined. "control" too weak: "remote".
#   Two colours likely: "red car blue". Tokens of two phrases: "remote red". Only "car" strong: "car",
#   which car isn't told. text_labels is accepted and not used. The score is that of the best token.
# Versions: transformers 5.24.0, torch 2.14.1, torchvision 0.29.1.
# Why it matters: a tracker that matches within a class gets a new class, so a new object, whenever one
#   word crosses the threshold; counts per class fall apart. Map the token scores to your phrases
#   yourself, or prompt one phrase at a time.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  transformers==5.24.0 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
cd "$work"
HF_HUB_OFFLINE=1 "$work/venv/bin/python" -W ignore - <<'PY'
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
import transformers

WORDS = ("remote", "control", "red", "car", "blue")
PHRASES = ["remote control", "red car", "blue car"]
Path("vocab.txt").write_text("\n".join(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", *WORDS)))
tokenizer = transformers.BertTokenizer("vocab.txt")
processor = transformers.GroundingDinoProcessor(transformers.GroundingDinoImageProcessor(), tokenizer)
prompt = processor(images=np.zeros((480, 640, 3), np.uint8), text=[PHRASES], return_tensors="pt").input_ids
tokens = tokenizer.convert_ids_to_tokens(prompt[0].tolist())
print("transformers", transformers.__version__)
print("prompt:", *tokens)

# What the network may well say: one row per box, probabilities by place in the prompt.
REMOTE, CONTROL, RED, RED_CAR, BLUE, BLUE_CAR = (i for i, token in enumerate(tokens) if token in WORDS)
boxes = {
    "remote": {REMOTE: 0.6, CONTROL: 0.2},
    "red car": {RED: 0.4, RED_CAR: 0.5},
    "red car blue": {RED: 0.4, RED_CAR: 0.5, BLUE: 0.35, BLUE_CAR: 0.2},
    "remote red": {REMOTE: 0.4, RED: 0.35},
    "car": {RED: 0.2, RED_CAR: 0.6},
}
probability = torch.full((1, len(boxes), 256), 1e-4)
for row, words in enumerate(boxes.values()):
    for place, value in words.items():
        probability[0, row, place] = value
output = SimpleNamespace(logits=torch.logit(probability), pred_boxes=torch.full((1, len(boxes), 4), 0.5))
(result,) = processor.post_process_grounded_object_detection(
    output, prompt, threshold=0.3, text_threshold=0.25, target_sizes=[(480, 640)], text_labels=[PHRASES]
)
for label, score in zip(result["text_labels"], result["scores"].tolist(), strict=True):
    print(f"{score:.2f} {label!r}{'' if label in PHRASES else ' was not asked for'}")
assert result["text_labels"] == list(boxes), f"CHANGED: labels {result['text_labels']}"
PY
