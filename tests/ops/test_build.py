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


def toolkit_that_cannot_link(folder: Path) -> str:
    """Compiles nothing into an object, with success, and then has no runtime to link with."""
    nvcc = folder / "cuda" / "bin" / "nvcc"
    nvcc.parent.mkdir(parents=True)
    nvcc.write_text(
        '#!/bin/sh\ncase "$*" in\n'
        "*--list-gpu-arch*) echo compute_80;;\n"
        '*" -c "*) for last; do :; done; echo | c++ -x c++ -c - -o "$last";;\n'
        "*) echo cannot find -lcudart_static >&2; exit 1;;\nesac\n"
    )
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


@pytest.mark.slow
@pytest.mark.usefixtures("compiled")
def test_a_toolkit_that_cannot_link_leaves_the_cpu_kernels(tmp_path: Path) -> None:
    result = build(tmp_path, CUDA_HOME=toolkit_that_cannot_link(tmp_path))
    assert result.returncode == 0, result.stderr
    assert "the CUDA kernels are left out" in result.stderr and "cudart_static" in result.stderr
    library = tmp_path / "out" / "vidtrack" / "_C.so"
    code = f"import torch; torch.ops.load_library({str(library)!r}); print(torch.ops.vidtrack.build_info())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip().endswith(";")  # no CUDA architectures


@pytest.mark.parametrize(
    ("script", "said"),
    [("#!/bin/sh\necho compute_35\n", "knows none of the compute capabilities"), (None, "does not run")],
)
def test_a_toolkit_of_no_use_is_named(tmp_path: Path, script: str | None, said: str) -> None:
    nvcc = tmp_path / "cuda" / "bin" / "nvcc"
    nvcc.parent.mkdir(parents=True)
    nvcc.write_text(script or "not a program")
    nvcc.chmod(0o755 if script else 0o644)
    result = build(tmp_path, CUDA_HOME=str(tmp_path / "cuda"), VIDTRACK_CUDA="1")
    assert result.returncode != 0
    assert said in result.stderr


def test_a_failing_nvcc_fails_where_cuda_is_required(tmp_path: Path) -> None:
    result = build(tmp_path, CUDA_HOME=broken_toolkit(tmp_path), VIDTRACK_CUDA="1")
    assert result.returncode != 0
    assert "no such toolkit" in result.stderr
