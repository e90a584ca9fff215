"""Whether the compiled kernels work on the devices that are here, by trying them beside the reference."""

from __future__ import annotations

import torch

from vidtrack import ops
from vidtrack.ops import reference

TOLERANCE = 1e-4


def try_kernels() -> dict[str, str]:
    """Devices with compiled kernels and the error on each; an empty string means none."""
    devices = ["cpu"] if ops.is_compiled("cpu") else []
    if ops.is_compiled("cuda") and torch.cuda.is_available():
        devices += [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    return {device: _fault(device) for device in devices}


def _fault(device: str) -> str:
    generator = torch.Generator().manual_seed(0)
    shapes = [(4, 5), (2, 3)]
    value, points, offsets, logits = (
        torch.randn(size, generator=generator)
        for size in ((1, 26, 2, 32), (1, 9, 2, 2), (1, 9, 2, 2, 4, 2), (1, 9, 2, 2, 4))
    )
    expected = reference.deformable_attention(value, shapes, points, offsets, logits)
    try:
        there = [tensor.to(device) for tensor in (points, offsets, logits)]
        found = ops.deformable_attention(value.to(device), shapes, *there)
        difference = float((found.cpu() - expected).abs().max())
    except RuntimeError as error:
        return str(error).splitlines()[0]
    return "" if difference < TOLERANCE else f"the answer is off by {difference:.2g}"
