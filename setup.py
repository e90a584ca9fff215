"""Build of the compiled sampler, vidtrack/_C.so: one library with CPU kernels and, where nvcc is found, CUDA ones.

The library uses only LibTorch's stable ABI (torch 2.10 and newer) and no Python symbol, so one file serves every
Python and every torch from 2.10 on. Building it takes torch's headers alone: nothing of torch is linked, and the torch
it is built with need not be the one it runs with. That is why torch is not among the requirements of the build, where
pip would install gigabytes a second time. The headers come from the first of
    the torch of the build environment (pip install --no-build-isolation)
    the torch already installed in the environment that pip installs into
    the smallest wheel of torch 2.10.0, some 80 MB, downloaded by pip; the headers are the same on all platforms

Whatever is missing, the installation succeeds with what is left:
    nvcc and a C++ compiler -> CPU and CUDA kernels
    a C++ compiler          -> CPU kernels
    neither, or no headers  -> plain PyTorch; on Windows too

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
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

SOURCES = Path("csrc")
TORCH_TARGET = "2.10.0"  # the oldest torch the library loads in
DEFINES = ["-DTORCH_TARGET_VERSION=0x020a000000000000ULL"]
CXX_FLAGS = ["-std=c++20", "-O3", "-fPIC", "-fvisibility=hidden"]
# Vectorised loops: no errno, no traps, `omp simd` without OpenMP; vectors never cross the border of a file.
KERNEL_FLAGS = ["-fno-math-errno", "-fno-trapping-math", "-fopenmp-simd", "-Wno-psabi"]
X86_LEVELS = {"kBaselineKernels": "x86-64", "kAvx2Kernels": "x86-64-v3", "kAvx512Kernels": "x86-64-v4"}
CUDA_ARCHS = "75;80;90"


class BuildError(Exception):
    """Something the library needs is missing or does not compile."""


def run(command: list[str], environment: dict[str, str] | None = None) -> str:
    try:
        result = subprocess.run(command, capture_output=True, text=True, env=environment)
    except OSError as error:
        raise BuildError(f"{command[0]} does not run: {error}") from error
    if result.returncode != 0:
        raise BuildError(f"{' '.join(command)}\n{result.stderr[-4000:]}")
    return result.stdout


def torch_headers(work: Path) -> Path:
    """Folder of torch's headers, from the first source that has them."""
    spec = importlib.util.find_spec("torch")
    if spec is not None and spec.origin is not None:
        return Path(spec.origin).parent / "include"
    # pip hides the environment it installs into behind PYTHONPATH; a child without that sees it.
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    find = "import importlib.util as u; s = u.find_spec('torch'); print(s.origin if s else '')"
    found = run([sys.executable, "-c", find], outer).strip()
    if found:
        return Path(found).parent / "include"
    return download_headers(work, outer | {"PIP_CONSTRAINT": ""})  # nothing is installed, so no pin applies


def download_headers(work: Path, environment: dict[str, str]) -> Path:
    """Take the headers out of torch's smallest wheel; none of it is installed."""
    wanted = ["--platform", "macosx_11_0_arm64", "--platform", "macosx_14_0_arm64", "--python-version", "3.12"]
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    run([*download, "--only-binary=:all:", *wanted, "--dest", str(work), f"torch=={TORCH_TARGET}"], environment)
    wheel = next(work.glob("torch-*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(work, [name for name in archive.namelist() if name.startswith("torch/include/torch/")])
    wheel.unlink()
    return work / "torch" / "include"


def compile_all(commands: list[list[str]]) -> list[Path]:
    """Run the compilers side by side; each command ends with the object it makes."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(run, commands))
    return [Path(command[-1]) for command in commands]


def cpu_commands(compiler: str, work: Path, flags: list[str]) -> list[list[str]]:
    """Schema, operators, and the kernels once for each instruction set."""
    target = os.environ.get("_PYTHON_HOST_PLATFORM") or platform.machine()  # of a cross build, as linux-aarch64
    is_x86 = target.lower().endswith(("x86_64", "amd64"))
    base = [compiler, *CXX_FLAGS, *flags, *(["-DVIDTRACK_X86_LEVELS"] if is_x86 else [])]
    commands = [
        [*base, "-c", str(SOURCES / "library.cpp"), "-o", str(work / "library.o")],
        [*base, "-c", str(SOURCES / "cpu" / "operators.cpp"), "-o", str(work / "cpu_operators.o")],
    ]
    for table, level in (X86_LEVELS if is_x86 else {"kBaselineKernels": ""}).items():
        options = [*KERNEL_FLAGS, f"-DVIDTRACK_KERNELS={table}", *([f"-march={level}"] if level else [])]
        kernels = str(SOURCES / "cpu" / "kernels.cpp")
        commands.append([*base, *options, "-c", kernels, "-o", str(work / f"{table}.o")])
    return commands


def find_nvcc() -> str:
    home = os.environ.get("CUDA_HOME")
    candidates = [Path(home, "bin", "nvcc")] if home else []
    candidates += [Path(found) for found in [shutil.which("nvcc")] if found]
    candidates.append(Path("/usr/local/cuda/bin/nvcc"))
    for candidate in candidates:
        if candidate.is_file():
            return str(candidate)
    raise BuildError("nvcc was not found")


def cuda_archs(nvcc: str) -> list[str]:
    """Compute capabilities to build for: those asked for, or of the usual ones those this nvcc knows."""
    if asked := os.environ.get("VIDTRACK_CUDA_ARCHS"):
        return [arch.strip().replace(".", "") for arch in asked.replace(",", ";").split(";")]
    known = run([nvcc, "--list-gpu-arch"]).split()
    archs = [arch for arch in CUDA_ARCHS.split(";") if f"compute_{arch}" in known]
    if not archs:
        raise BuildError(f"{nvcc} knows none of the compute capabilities {CUDA_ARCHS}; set VIDTRACK_CUDA_ARCHS")
    return archs


def cuda_commands(nvcc: str, archs: list[str], compiler: str, work: Path, flags: list[str]) -> list[list[str]]:
    base = [nvcc, "-ccbin", compiler, "-std=c++20", "-O3", *flags, "-Xcompiler", "-fPIC,-fvisibility=hidden"]
    codes = [option for arch in archs for option in ("-gencode", f"arch=compute_{arch},code=sm_{arch}")]
    codes += ["-gencode", f"arch=compute_{archs[-1]},code=compute_{archs[-1]}"]  # PTX, for GPUs to come
    names = {"operators.cpp": [], "forward.cu": codes, "backward.cu": codes}
    return [
        [*base, *options, "-c", str(SOURCES / "cuda" / name), "-o", str(work / f"cuda_{name}.o")]
        for name, options in names.items()
    ]


def link(compiler: str, nvcc: str | None, objects: list[Path], target: Path, work: Path) -> None:
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
        needed = [f"{'-Xlinker=' if nvcc else '-Wl,'}--no-as-needed,-L{stubs},-ltorch,-ltorch_cpu,--as-needed"]
    driver = [nvcc, "-ccbin", compiler, "-cudart", "static"] if nvcc else [compiler]
    linked = work / target.name
    run([*driver, "-shared", *map(str, objects), "-o", str(linked), *needed])
    # A rename in the target's folder: processes that have the old library loaded keep it.
    shutil.copy2(linked, target.with_suffix(".new"))
    target.with_suffix(".new").replace(target)


class BuildLibrary(build_ext):
    """Builds vidtrack/_C.so, or says why not and continues the installation."""

    def get_ext_filename(self, fullname: str) -> str:
        return str(Path(*fullname.split("."))) + ".so"

    def build_extension(self, ext: Extension) -> None:
        mode = os.environ.get("VIDTRACK_BUILD", "auto")
        if mode == "0":
            return
        try:
            self.build_library(Path(self.get_ext_fullpath(ext.name)))
        except BuildError as error:
            if mode == "1" or os.environ.get("VIDTRACK_CUDA") == "1":
                raise SystemExit(f"vidtrack: {error}") from error
            print(f"vidtrack: the compiled sampler is left out, plain PyTorch will serve: {error}", file=sys.stderr)

    def build_library(self, target: Path) -> None:
        if sys.platform == "win32":
            raise BuildError("it is built on Linux and macOS only")
        work = Path(self.build_temp)
        work.mkdir(parents=True, exist_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        compiler = shutil.which(os.environ.get("CXX", "c++")) or shutil.which("g++")
        if compiler is None:
            raise BuildError("no C++ compiler was found")
        flags = [*DEFINES, "-isystem", str(torch_headers(work))]
        if os.environ.get("VIDTRACK_CUDA", "auto") != "0":
            try:
                return self.build_with_cuda(compiler, work, flags, target)
            except BuildError as error:
                if os.environ.get("VIDTRACK_CUDA") == "1":
                    raise
                print(f"vidtrack: the CUDA kernels are left out: {error}", file=sys.stderr)
        link(compiler, None, compile_all(cpu_commands(compiler, work, flags)), target, work)

    def build_with_cuda(self, compiler: str, work: Path, flags: list[str], target: Path) -> None:
        nvcc = find_nvcc()
        archs = cuda_archs(nvcc)
        objects = compile_all(cuda_commands(nvcc, archs, compiler, work, [*flags, "-DUSE_CUDA"]))
        flags = [*flags, f'-DVIDTRACK_CUDA_ARCHS="{";".join(archs)}"']
        link(compiler, nvcc, compile_all(cpu_commands(compiler, work, flags)) + objects, target, work)


class AnyPython(bdist_wheel):
    """The library holds no Python symbol: the wheel fits every Python of its platform."""

    def get_tag(self) -> tuple[str, str, str]:
        return ("py3", "none", super().get_tag()[2])


sources = sorted(str(path) for path in SOURCES.rglob("*") if path.suffix in (".cpp", ".cu"))
headers = sorted(str(path) for path in SOURCES.rglob("*") if path.suffix in (".h", ".cuh"))
setup(
    ext_modules=[Extension("vidtrack._C", sources=sources, depends=headers, optional=True)],
    cmdclass={"build_ext": BuildLibrary, "bdist_wheel": AnyPython},
)
