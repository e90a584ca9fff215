"""Multi-scale deformable attention: compiled where it can be, plain PyTorch elsewhere."""

from __future__ import annotations

from vidtrack.errors import UsageError
from vidtrack.ops.reference import deformable_attention, deformable_sampling

__all__ = ["build_info", "deformable_attention", "deformable_sampling", "is_compiled", "require_compiled"]


def is_compiled(device_type: str = "cpu") -> bool:
    """Whether a compiled kernel serves tensors of this device type."""
    return False


def build_info() -> dict[str, object]:
    """What the compiled library is and how it was built."""
    return {"compiled": False, "cuda": False}


def require_compiled() -> None:
    """Raise UsageError unless the compiled library is in use."""
    raise UsageError("the compiled sampler is not installed", "reinstall vidtrack where a C++ compiler is available")
