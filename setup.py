"""Build of the compiled sampler, vidtrack/_C.so: one library with the CPU kernels and, where nvcc is found, the CUDA ones.

The library uses only LibTorch's stable ABI (torch 2.10 and newer) and no Python symbol, so one file serves every
Python and every torch from 2.10 on. To build it, torch's headers are enough; nothing of torch is linked.

Whatever is missing, the installation succeeds with what is left:
    nvcc and a C++ compiler -> CPU and CUDA kernels
    a C++ compiler          -> CPU kernels
    neither, or no headers  -> plain PyTorch

Environment variables:
    VIDTRACK_CUDA=auto|0|1   build the CUDA kernels if nvcc works (default), never, or fail without them
    VIDTRACK_CUDA_ARCHS      compute capabilities, "75;80;90" by default; PTX of the last one serves newer GPUs
    VIDTRACK_BUILD=auto|0|1  build the library if possible (default), never, or fail without it
    CXX, CUDA_HOME           the C++ compiler, the CUDA toolkit
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

SOURCES = Path("csrc")
HEADERS = [*SOURCES.glob("*.h"), *SOURCES.glob("*/*.h")]
DEFINES = ["-DTORCH_TARGET_VERSION=0x020a000000000000ULL"]  # the oldest torch the library loads in: 2.10
CXX_FLAGS = ["-std=c++20", "-O3", "-fPIC", "-fvisibility=hidden"]
# Vectorised loops: no errno, no traps, `omp simd` without OpenMP; vectors never cross the border of a file.
KERNEL_FLAGS = ["-fno-math-errno", "-fno-trapping-math", "-fopenmp-simd", "-Wno-psabi"]
X86_LEVELS = {"kBaselineKernels": "x86-64", "kAvx2Kernels": "x86-64-v3", "kAvx512Kernels": "x86-64-v4"}


class BuildError(Exception):
    """Something the library needs is missing or does not compile."""


def run(command: list[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise BuildError(f"{' '.join(command)}\n{result.stderr[-4000:]}")


def torch_include() -> Path:
    """Folder of torch's headers, of the torch of this interpreter."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        raise BuildError("torch's headers were not found")
    return Path(spec.origin).parent / "include"


def cpu_objects(compiler: str, include: Path, work: Path, defines: list[str]) -> list[Path]:
    """Compile the library's CPU part: schema, operators, and the kernels once for each instruction set."""
    is_x86 = platform.machine().lower() in ("x86_64", "amd64")
    levels = X86_LEVELS if is_x86 else {"kBaselineKernels": ""}
    defines = [*DEFINES, *defines, f"-isystem{include}", *(["-DVIDTRACK_X86_LEVELS"] if is_x86 else [])]
    jobs = [
        (SOURCES / "library.cpp", work / "library.o", []),
        (SOURCES / "cpu" / "operators.cpp", work / "operators.o", []),
    ]
    for table, level in levels.items():
        flags = [*KERNEL_FLAGS, f"-DVIDTRACK_KERNELS={table}", *([f"-march={level}"] if level else [])]
        jobs.append((SOURCES / "cpu" / "kernels.cpp", work / f"{table}.o", flags))

    def compile_one(job: tuple[Path, Path, list[str]]) -> Path:
        source, target, flags = job
        run([compiler, *CXX_FLAGS, *defines, *flags, "-c", str(source), "-o", str(target)])
        return target

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(compile_one, jobs))


def link(compiler: str, objects: list[Path], target: Path, work: Path, libraries: list[str]) -> None:
    """Link the objects; torch's symbols are found at load time, in the torch that Python has loaded by then."""
    if sys.platform == "darwin":
        needed = ["-undefined", "dynamic_lookup"]
    else:
        # Empty libraries that carry torch's names: the dynamic linker then searches the real ones.
        stubs = work / "stubs"
        stubs.mkdir(exist_ok=True)
        (stubs / "empty.c").touch()
        for name in ("libtorch.so", "libtorch_cpu.so"):
            run([compiler, "-shared", f"-Wl,-soname,{name}", "-o", str(stubs / name), str(stubs / "empty.c")])
        needed = ["-Wl,--no-as-needed", f"-L{stubs}", "-ltorch", "-ltorch_cpu", "-Wl,--as-needed"]
    linked = work / target.name
    run([compiler, "-shared", *map(str, objects), "-o", str(linked), *needed, *libraries])
    # A rename in the target's folder: processes that have the old library loaded keep it.
    shutil.copy2(linked, target.with_suffix(".new"))
    target.with_suffix(".new").replace(target)


class BuildLibrary(build_ext):
    """Builds vidtrack/_C.so, or says why not and lets the installation go on."""

    def get_ext_filename(self, fullname: str) -> str:
        return str(Path(*fullname.split("."))) + ".so"

    def build_extension(self, ext: Extension) -> None:
        mode = os.environ.get("VIDTRACK_BUILD", "auto")
        if mode == "0":
            return
        try:
            self.build_library(Path(self.get_ext_fullpath(ext.name)))
        except BuildError as error:
            if mode == "1":
                raise SystemExit(f"vidtrack: {error}") from error
            print(f"vidtrack: the compiled sampler is left out, plain PyTorch will serve: {error}", file=sys.stderr)

    def build_library(self, target: Path) -> None:
        work = Path(self.build_temp)
        work.mkdir(parents=True, exist_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        compiler = shutil.which(os.environ.get("CXX", "c++")) or shutil.which("g++")
        if compiler is None:
            raise BuildError("no C++ compiler was found")
        include = torch_include()
        objects = cpu_objects(compiler, include, work, [])
        link(compiler, objects, target, work, [])


class AnyPython(bdist_wheel):
    """The library holds no Python symbol: the wheel fits every Python of its platform."""

    def get_tag(self) -> tuple[str, str, str]:
        return ("py3", "none", super().get_tag()[2])


setup(
    ext_modules=[Extension("vidtrack._C", sources=[], optional=True)],
    cmdclass={"build_ext": BuildLibrary, "bdist_wheel": AnyPython},
)
