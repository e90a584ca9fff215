"""Without the compiled library: one line says so, plain PyTorch serves, and it can be refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ATTENTION = """
import torch
from vidtrack import ops
torch.manual_seed(0)
value, points = torch.randn(1, 26, 2, 16), torch.rand(1, 40, 2, 2)
offsets, logits = torch.randn(1, 40, 2, 2, 4, 2), torch.randn(1, 40, 2, 2, 4)
output = ops.deformable_attention(value, [(4, 5), (2, 3)], points, offsets, logits)
"""


def python(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=True)


def test_reference_serves_and_says_so_once() -> None:
    code = ATTENTION + "print(ops.is_compiled(), ops.build_info()['reason'], tuple(output.shape))"
    result = python(code, VIDTRACK_OPS="reference")
    assert result.stdout.strip() == "False VIDTRACK_OPS=reference is set (1, 40, 32)"
    assert result.stderr.count("plain PyTorch") == 1


def test_reference_can_be_refused() -> None:
    code = """
from vidtrack import ops
from vidtrack.core.errors import UsageError
try:
    ops.require_compiled()
except UsageError as error:
    print(error.message, "|", error.hint)
"""
    result = python(code, VIDTRACK_OPS="reference")
    assert "VIDTRACK_OPS=reference is set | " in result.stdout


@pytest.mark.usefixtures("compiled")
def test_a_device_without_kernels_is_announced_once_and_can_be_refused() -> None:
    code = """
from vidtrack import ops
from vidtrack.core.errors import UsageError
ops._served.discard("cuda")
for device_type in ("cpu", "cuda", "cuda", "mps"):
    ops.announce(device_type)
try:
    ops.require_compiled("cuda")
except UsageError as error:
    print(error)
"""
    result = python(code)
    lines = result.stderr.splitlines()
    assert [line.split()[3] for line in lines] == ["cuda", "mps"]
    assert "runs in plain PyTorch" in lines[0]
    assert result.stdout.startswith("the compiled sampler has no kernels for cuda (")


@pytest.mark.usefixtures("compiled")
def test_compiled_library_is_silent() -> None:
    result = python("from vidtrack import ops; ops.require_compiled(); print(ops.build_info()['compiled'])")
    assert result.stdout.strip() == "True"
    assert result.stderr == ""


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("instruction_set", ["baseline", "avx2", "avx512"])
def test_every_instruction_set_agrees_with_the_reference(instruction_set: str) -> None:
    """A processor without the set falls back to the baseline (NEON on ARM), which is then tested again."""
    code = (
        ATTENTION
        + """
expected = ops.reference.deformable_attention(value, [(4, 5), (2, 3)], points, offsets, logits)
torch.testing.assert_close(output, expected)
leaves = [t.requires_grad_() for t in (value, points, offsets, logits)]
calls = (ops.deformable_attention, ops.reference.deformable_attention)
grads = [torch.autograd.grad(f(value, [(4, 5), (2, 3)], *leaves[1:]).sum(), leaves) for f in calls]
torch.testing.assert_close(grads[0], grads[1], rtol=1e-4, atol=1e-5)
print(ops.build_info()["cpu"])
"""
    )
    assert python(code, VIDTRACK_CPU=instruction_set).stdout.strip() in (instruction_set, "baseline", "neon")


def test_an_unknown_instruction_set_is_said() -> None:
    ended = python("from vidtrack import ops", VIDTRACK_CPU="axv2")
    assert "VIDTRACK_CPU is 'axv2', not baseline, avx2 or avx512" in ended.stderr
