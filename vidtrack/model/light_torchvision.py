"""torchvision without PyTorch's compiler, which takes longer to import than torchvision, vidtrack and the model."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

_COMPILER = "torch._dynamo"
_UTILITIES = "torch._dynamo.utils"


@contextmanager
def _without_compiler() -> Iterator[None]:
    """`torchvision.ops.roi_align` imports all of `torch._dynamo` for one function, which it rarely calls.

    Inside, that function is one that imports the real one when called; modules that are already imported stay.
    """
    if _COMPILER in sys.modules:
        yield
        return
    package, utilities = ModuleType(_COMPILER), ModuleType(_UTILITIES)
    package.__path__ = []
    utilities.__dict__["is_compile_supported"] = _is_compile_supported
    sys.modules.update({_COMPILER: package, _UTILITIES: utilities})
    try:
        yield
    finally:
        for name in (_UTILITIES, _COMPILER):
            sys.modules.pop(name, None)


def _is_compile_supported(device_type: str) -> object:
    from torch._dynamo.utils import is_compile_supported

    return is_compile_supported(device_type)


with _without_compiler():
    from torchvision import models
    from torchvision.models._utils import IntermediateLayerGetter
    from torchvision.ops import FrozenBatchNorm2d, box_convert, nms

__all__ = ["FrozenBatchNorm2d", "IntermediateLayerGetter", "box_convert", "models", "nms"]
