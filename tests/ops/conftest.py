"""What the tests of the operators share."""

from __future__ import annotations

import shutil

import pytest

from vidtrack import ops


@pytest.fixture
def compiled() -> None:
    """Ask for the compiled library; where there is a compiler and no library, that is a failure."""
    if not ops.is_compiled() and shutil.which("c++") is None:
        pytest.skip("no C++ compiler here, so no compiled library")
    ops.require_compiled()
