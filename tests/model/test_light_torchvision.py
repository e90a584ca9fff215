"""Loading a model leaves PyTorch's compiler alone, and does not harm it."""

from __future__ import annotations

import subprocess
import sys

_SCRIPT = """
import sys
import torch
from vidtrack import load_model
model = load_model("default", device="cpu")
model(torch.zeros(1, 3, 64, 64))
assert "torch._dynamo" not in sys.modules, "the compiler was imported"
from torchvision.ops import roi_align
from torchvision.ops.roi_align import is_compile_supported
supported = is_compile_supported("cpu")
import torch._dynamo.utils
assert supported == torch._dynamo.utils.is_compile_supported("cpu")
assert torch._dynamo.is_compiling() is False
pooled = roi_align(torch.ones(1, 1, 8, 8), [torch.tensor([[0.0, 0.0, 4.0, 4.0]])], 2)
assert pooled.tolist() == [[[[1.0, 1.0], [1.0, 1.0]]]]
"""


def test_a_model_loads_and_runs_without_pytorchs_compiler_which_works_afterwards() -> None:
    subprocess.run([sys.executable, "-c", _SCRIPT], check=True)
