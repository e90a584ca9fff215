"""What the tests of the operators share."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from tests.ops.emulated import build
from vidtrack import ops


@pytest.fixture
def compiled() -> None:
    """Ask for the compiled library; if there is a compiler and no library, that is a failure."""
    if not ops.is_compiled() and shutil.which("c++") is None:
        pytest.skip("no C++ compiler here, so no compiled library")
    ops.require_compiled()


@pytest.fixture(scope="session")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library with torch.ops.emulated, loaded; built once for all workers, or what VIDTRACK_EMULATED names."""
    if given := os.environ.get("VIDTRACK_EMULATED"):
        library = Path(given)
    else:
        is_worker = "PYTEST_XDIST_WORKER" in os.environ
        folder = tmp_path_factory.getbasetemp().parent if is_worker else tmp_path_factory.getbasetemp()
        library = folder / "emulated" / "emulated.so"
        with FileLock(folder / "emulated.lock"):
            if not library.is_file():
                shutil.rmtree(library.parent, ignore_errors=True)
                build(library.parent)
    torch.ops.load_library(library)
    return library
