#!/usr/bin/env bash
# A good guess: post-training quantisation of deformable attention turns matrix products into 8-bit
#   ones. Sampling positions are addresses, GridSample is not a product: they stay in float.
# What happens: nncf.quantize also rounds the reference points, the offsets and what GridSample
#   returns to 256 levels each. On a frame 1920 px wide a position is off by up to 4 px. With
#   model_type=TRANSFORMER, meant for attention, these stay in float; only the product that makes
#   the offsets is rounded, and the mean error falls from 1.7 px to less than 0.1 px.
# Versions: nncf 3.4.0, openvino 2026.4.1.
# Why it matters: box centres take steps of 7 px, so a slow object stands still and then jumps. AP at
#   IoU 0.5 hardly sees it; velocities, small objects and identities do.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  nncf==3.4.0 openvino==2026.4.1 numpy==2.4.6
"$work/venv/bin/python" -W ignore - <<'PY' | grep -v 'Statistics collection\|Applying'
import logging

import nncf
import numpy as np
import openvino as ov
import openvino.opset15 as op

QUERIES, CELLS, FRAME = 300, 80, 1920
nncf.set_log_level(logging.ERROR)
rng = np.random.default_rng(0)


def number(value):
    return op.constant(np.float32(value))


def attention():
    """Four points per query around its reference point, sampled from one map and averaged."""
    query = op.parameter([1, QUERIES, 64], np.float32, name="query")
    reference = op.parameter([1, QUERIES, 2], np.float32, name="reference")
    value = op.parameter([1, 2, CELLS, CELLS], np.float32, name="value")
    weight = op.constant(rng.normal(0, 0.02, (64, 8)).astype(np.float32))
    offsets = op.matmul(query, weight, False, False) + op.constant(rng.normal(0, 2, 8).astype(np.float32))
    offsets = op.reshape(offsets, op.constant([1, QUERIES, 4, 2]), False)
    at = op.unsqueeze(reference, op.constant([2])) + offsets / number(CELLS)
    grid = at * number(2) - number(1)
    sampled = op.grid_sample(value, grid, {"align_corners": False, "mode": "bilinear", "padding_mode": "zeros"})
    return ov.Model([at, op.reduce_mean(sampled, op.constant([3]))], [query, reference, value], "attention")


def inputs():
    reference = rng.uniform(0.1, 0.9, (1, QUERIES, 2)).astype(np.float32)
    value = np.mgrid[:CELLS, :CELLS].astype(np.float32)[None]
    return [rng.normal(0, 1, (1, QUERIES, 64)).astype(np.float32), reference, value]


def run(model, data):
    return ov.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(data)[0]


model, calibration, test = attention(), [inputs() for _ in range(20)], inputs()
exact = run(model, test)
print("nncf", nncf.__version__, "openvino", ov.__version__.split("-")[0])
error = {}
for kind in (None, nncf.ModelType.TRANSFORMER):
    small = nncf.quantize(model, nncf.Dataset(calibration), model_type=kind, subset_size=20)
    rounded = [
        node.input_value(0).get_node().get_type_name()
        for node in small.get_ordered_ops()
        if node.get_type_name() == "FakeQuantize"
    ]
    off = np.abs(run(small, test) - exact) * FRAME
    error[kind] = off.mean()
    print(f"model_type={kind}: positions off by {error[kind]:.2f} px of {FRAME}, at most {off.max():.2f}")
    print("  rounded after", ", ".join(rounded))
assert error[None] > 1, "CHANGED: the sampling positions stay in float"
assert error[nncf.ModelType.TRANSFORMER] < 0.6, "CHANGED: model_type=TRANSFORMER rounds positions too"
PY
