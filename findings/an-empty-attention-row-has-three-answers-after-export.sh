#!/usr/bin/env bash
# A good guess: scaled_dot_product_attention gives 0 for a row whose boolean mask is all False, and
#   so does every export of it, since the graph is the same.
# What happens: torch gives 0. torch.onnx.export to opset 18 gives the mean of the values that the
#   mask hides: False becomes the lowest float instead of minus infinity, and the softmax of equal
#   numbers is uniform. To opset 23 (one Attention node) it gives 0. OpenVINO's own conversion from
#   torch gives NaN. All other rows agree to 1e-6, so a comparison on full masks passes.
# Versions: torch 2.14.1, onnx 1.23.2, onnxscript 0.7.2, onnxruntime 1.32.0, openvino 2026.4.1.
# Why it matters: track queries of a padded batch, or before the first track, have such rows. After
#   the export they mix in exactly the objects that they must not see, with plausible numbers.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  torch==2.14.1 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - 2> log <<'PY' || { cat log; exit 1; }
from importlib.metadata import version

import numpy as np
import onnxruntime
import openvino
import torch


class Attention(torch.nn.Module):
    def forward(self, x, visible):
        return torch.nn.functional.scaled_dot_product_attention(x, x, x, attn_mask=visible)


torch.manual_seed(0)
model, x = Attention().eval(), torch.randn(1, 2, 3, 8)
visible = torch.ones(3, 3, dtype=torch.bool)
visible[1] = False  # row 1 may see nothing
feed = {"x": x.numpy(), "visible": visible.numpy()}

answers = {"torch": model(x, visible).numpy()}
for opset in (18, 23):
    torch.onnx.export(
        model, (x, visible), "m.onnx", dynamo=True, opset_version=opset, input_names=list(feed), verbose=False
    )
    session = onnxruntime.InferenceSession("m.onnx", providers=["CPUExecutionProvider"])
    answers[f"ONNX opset {opset}"] = session.run(None, feed)[0]
converted = openvino.convert_model(model, example_input=(x, visible))
compiled = openvino.compile_model(converted, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
answers["OpenVINO from torch"] = compiled(list(feed.values()))[0]

print(*(f"{name} {version(name)}" for name in ("torch", "onnxruntime", "openvino")), sep=", ")
mean = x.numpy().mean(axis=2)
for name, out in answers.items():
    row = out[:, :, 1]
    says = "NaN" if np.isnan(row).all() else "0" if not row.any() else "the mean of all values" * np.allclose(row, mean)
    print(f"{name:20} empty row: {says:23} first number {row[0, 0, 0]:.4f}")
    assert np.allclose(out[:, :, ::2], answers["torch"][:, :, ::2], atol=1e-4), f"CHANGED: other rows of {name}"
assert not answers["torch"][:, :, 1].any(), "CHANGED: torch"
assert np.allclose(answers["ONNX opset 18"][:, :, 1], mean, atol=1e-4), "CHANGED: opset 18"
assert not answers["ONNX opset 23"][:, :, 1].any(), "CHANGED: opset 23"
assert np.isnan(answers["OpenVINO from torch"][:, :, 1]).all(), "CHANGED: OpenVINO"
PY
