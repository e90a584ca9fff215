"""The CUDA operators on the CPU, as torch.ops.emulated: the kernels' sources, built for the warp of `emulation/`."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
EMULATION = Path(__file__).with_name("emulation")
FLAGS = ["-std=c++20", "-O1", "-fPIC", "-fvisibility=hidden", "-Wno-unknown-pragmas", "-Dvidtrack=emulated"]
TORCH = Path(torch.__file__).parent
TORCH_FLAGS = ["-DTORCH_TARGET_VERSION=0x020a000000000000ULL", "-isystem", str(TORCH / "include")]
LINK_FLAGS = ["-shared", "-Wl,-Bsymbolic", "-Wl,--no-as-needed", f"-L{TORCH / 'lib'}", "-ltorch", "-ltorch_cpu"]


def toolkits() -> Iterator[Path]:
    """Folders in which the headers of CUDA may be: a toolkit, or packages from PyPI."""
    if home := os.environ.get("CUDA_HOME"):
        yield Path(home)
    if nvcc := shutil.which("nvcc"):
        yield Path(nvcc).resolve().parents[1]
    yield Path("/usr/local/cuda")
    packages = importlib.util.find_spec("nvidia")
    for folder in (packages.submodule_search_locations or []) if packages else []:
        yield from sorted(Path(folder).glob("cu*"))


def cuda_headers() -> list[str]:
    for toolkit in toolkits():
        folders = [toolkit / "include", toolkit / "include" / "cccl"]
        if all(any((folder / name).is_file() for folder in folders) for name in ("crt/host_defines.h", "nv/target")):
            return [option for folder in folders for option in ("-isystem", str(folder))]
    pytest.skip("no CUDA headers here: pip install nvidia-cuda-runtime nvidia-cuda-crt nvidia-cuda-cccl")


def build(folder: Path, arch: int = 900, options: tuple[str, ...] = ()) -> Path:
    """Build the operators as for GPUs of a compute capability, 900 for 9.0."""
    compiler = find_compiler()
    shutil.copytree(ROOT / "csrc", folder / "csrc")
    shutil.copytree(EMULATION, folder / "csrc" / "cuda", dirs_exist_ok=True)
    flags = [*FLAGS, f"-DEMULATED_ARCH={arch}", *cuda_headers(), *TORCH_FLAGS, *options]

    def compile(source: str) -> str:
        check = [] if source == "entry.cpp" else ["-fsanitize=alignment"]
        run([compiler, *flags, *check, "-c", "-x", "c++", f"csrc/cuda/{source}", "-o", f"{source}.o"], folder)
        return f"{source}.o"

    with ThreadPoolExecutor() as pool:
        objects = list(pool.map(compile, ("forward.cu", "backward.cu", "kernels.cu", "entry.cpp")))
    run([compiler, *options, *objects, *LINK_FLAGS, "-o", "emulated.so"], folder)
    return folder / "emulated.so"


def find_compiler() -> str:
    compiler = shutil.which(os.environ.get("CXX", "c++"))
    if compiler is None:
        pytest.skip("no C++ compiler here")
    return compiler


def find_sanitizer() -> str:
    """What to load before Python: AddressSanitizer, and the library of C++, whose exceptions it hooks."""
    command = [find_compiler(), "-print-file-name=libasan.so"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    if not Path(said).is_absolute():
        pytest.skip("no AddressSanitizer here")
    return f"{said} libstdc++.so.6"


def run(command: list[str], folder: Path) -> None:
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-4000:]
