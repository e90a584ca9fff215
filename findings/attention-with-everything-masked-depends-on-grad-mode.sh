#!/usr/bin/env bash
# A good guess: a query that may attend to nothing gets the same answer from nn.MultiheadAttention
#   whether weights are asked for or not, and with gradients or without.
# What happens: there are three code paths. With need_weights=True the row is NaN. With
#   need_weights=False it is the output bias (zero attention), but only if gradients are recorded or
#   the module is in train mode. In eval mode under no_grad, that is in use, it is NaN again. All
#   rows that may see something agree.
# Versions: torch 2.14.1, on the CPU.
# Why it matters: masks that leave a row empty are usual if queries carry tracks: the padding of a
#   batch with 3 and 5 tracks, or the first frame, with none. Training and a test that forgets
#   no_grad run well, the finished tracker gets NaN boxes. Let such rows see themselves.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check torch==2.14.1 numpy==2.4.6
"$work/venv/bin/python" -W ignore - <<'PY'
import itertools

import torch

torch.manual_seed(0)
attention = torch.nn.MultiheadAttention(32, 4, batch_first=True)
torch.nn.init.constant_(attention.out_proj.bias, 0.5)
tracks = torch.randn(1, 3, 32)
hidden = torch.zeros(3, 3, dtype=torch.bool)
hidden[1] = True  # track 1 may see nothing

print("torch", torch.__version__)
answers = {}
for training, weights, grad in itertools.product((True, False), (True, False), (True, False)):
    attention.train(training)
    with torch.set_grad_enabled(grad):
        out = attention(tracks, tracks, tracks, attn_mask=hidden, need_weights=weights)[0][0].detach()
    answers[training, weights, grad] = out
    mode = "train" if training else "eval "
    print(f"{mode} need_weights={weights!s:5} grad={grad!s:5}:", end=" ")
    print(f"empty row {out[1, 0].item():6.3f}, row 0 {out[0, 0].item():6.3f}")
empty_is_nan = {key: bool(out[1].isnan().all()) for key, out in answers.items()}
assert all(torch.allclose(out[::2], answers[True, True, True][::2], atol=1e-5) for out in answers.values())
assert all(nan for (_, weights, _), nan in empty_is_nan.items() if weights), "CHANGED: need_weights=True"
assert not empty_is_nan[False, False, True] and not empty_is_nan[True, False, False], "CHANGED: need_weights=False"
assert empty_is_nan[False, False, False], "CHANGED: eval mode without gradients is no longer NaN"
PY
