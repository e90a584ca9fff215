"""The build takes what the machine offers and succeeds with less."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def build(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the build of the library in a copy of its sources, with torch's headers from this interpreter."""
    shutil.copytree(ROOT / "csrc", folder / "csrc")
    shutil.copy2(ROOT / "setup.py", folder)
    environment = {**os.environ, **variables}
    command = [sys.executable, "setup.py", "build_ext", "--build-lib", "out"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)


def empty_path(folder: Path) -> str:
    empty = folder / "empty"
    empty.mkdir()
    return str(empty)


def broken_toolkit(folder: Path) -> str:
    nvcc = folder / "cuda" / "bin" / "nvcc"
    nvcc.parent.mkdir(parents=True)
    nvcc.write_text("#!/bin/sh\necho no such toolkit >&2\nexit 1\n")
    nvcc.chmod(0o755)
    return str(folder / "cuda")


def test_no_compiler_leaves_plain_pytorch(tmp_path: Path) -> None:
    result = build(tmp_path, PATH=empty_path(tmp_path), CXX="c++")
    assert result.returncode == 0, result.stderr
    assert "no C++ compiler was found" in result.stderr
    assert not list(tmp_path.glob("out/**/*.so"))


def test_no_compiler_fails_where_the_library_is_required(tmp_path: Path) -> None:
    result = build(tmp_path, PATH=empty_path(tmp_path), CXX="c++", VIDTRACK_BUILD="1")
    assert result.returncode != 0
    assert "no C++ compiler was found" in result.stderr


def test_the_library_can_be_left_out(tmp_path: Path) -> None:
    result = build(tmp_path, VIDTRACK_BUILD="0")
    assert result.returncode == 0, result.stderr
    assert not list(tmp_path.glob("out/**/*.so"))


@pytest.mark.slow
@pytest.mark.usefixtures("compiled")
def test_a_failing_nvcc_leaves_the_cpu_kernels(tmp_path: Path) -> None:
    result = build(tmp_path, CUDA_HOME=broken_toolkit(tmp_path))
    assert result.returncode == 0, result.stderr
    assert "the CUDA kernels are left out" in result.stderr and "no such toolkit" in result.stderr
    assert (tmp_path / "out" / "vidtrack" / "_C.so").is_file()


def test_a_failing_nvcc_fails_where_cuda_is_required(tmp_path: Path) -> None:
    result = build(tmp_path, CUDA_HOME=broken_toolkit(tmp_path), VIDTRACK_CUDA="1")
    assert result.returncode != 0
    assert "no such toolkit" in result.stderr
