"""The CPU kernels on an emulated 64-bit ARM processor, and on Windows as Wine has it, against the float64 reference."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.ops.cases import Case, Shapes, attention_case, relative_error, sampling_case
from tests.ops.emulated import ROOT, run
from vidtrack.ops import reference


@dataclass(frozen=True)
class Platform:
    """What compiles for a platform, runs its programs, and the kernels' own name for it."""

    compiler: str
    emulator: str
    kernels: str
    packages: str


@dataclass(frozen=True)
class Program:
    """`standalone.cpp` for a platform."""

    path: Path
    platform: Platform


PLATFORMS = [
    pytest.param(
        Platform("aarch64-linux-gnu-g++", "qemu-aarch64", "neon", "g++-aarch64-linux-gnu qemu-user"), id="arm"
    ),
    pytest.param(
        Platform("x86_64-w64-mingw32-g++-posix", "wine", "baseline", "g++-mingw-w64-x86-64-posix wine64"),
        id="windows",
        marks=pytest.mark.slow,  # Wine takes a second to start
    ),
]
FLAGS = ["-std=c++20", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fopenmp-simd", "-Wno-psabi", "-static"]
ELEMENTS = {torch.float32: 0, torch.float64: 1, torch.bfloat16: 2}
PIXEL_OFFSETS, BOX_OFFSETS, LOCATIONS = range(3)
SHAPES: Shapes = [(7, 9), (3, 4), (1, 1)]


@pytest.fixture(scope="module", params=PLATFORMS)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Program:
    target: Platform = request.param
    if missing := [name for name in (target.compiler, target.emulator) if shutil.which(name) is None]:
        pytest.skip(f"no {' and no '.join(missing)} here: apt install {target.packages}")
    folder = tmp_path_factory.mktemp("program")
    csrc, main = ROOT / "csrc", ROOT / "tests" / "ops" / "standalone.cpp"
    sources = [str(main), str(csrc / "cpu" / "kernels.cpp")]
    run([target.compiler, *FLAGS, "-DVIDTRACK_KERNELS=kBaselineKernels", f"-I{csrc}", *sources, "-o", "k.exe"], folder)
    return Program(folder / "k.exe", target)


def raw(tensor: Tensor) -> bytes:
    return tensor.detach().contiguous().view(torch.uint8).numpy().tobytes()


def call(program: Program, case: Case, grad: Tensor) -> list[Tensor]:
    """Output and gradients of value and the others, as the program writes them."""
    value, others = case.value, case.others
    real = torch.float64 if value.dtype == torch.float64 else torch.float32
    form = LOCATIONS if len(others) == 2 else BOX_OFFSETS if others[0].shape[-1] == 4 else PIXEL_OFFSETS
    _, queries, heads, levels, points, _ = others[-2].shape
    sizes = [ELEMENTS[value.dtype], form, *value.shape, queries, levels, points, *(n for s in case.shapes for n in s)]
    given = [torch.tensor(sizes), value, *(tensor.to(real) for tensor in (*others, grad))]
    platform = program.platform
    ended = subprocess.run(
        [platform.emulator, program.path],
        input=b"".join(map(raw, given)),
        capture_output=True,
        check=True,
        env={**os.environ, "WINEPREFIX": str(program.path.parent / "wine"), "WINEDEBUG": "-all"},
    )
    assert ended.stderr.splitlines()[-1] == platform.kernels.encode()
    shapes = [(grad.shape, value.dtype), (value.shape, real), *((tensor.shape, real) for tensor in others)]
    if form != LOCATIONS:
        shapes[2] = ((value.shape[0], queries, heads, *others[0].shape[2:]), real)  # one share for each head
    found, begin = [], 0
    for shape, dtype in shapes:
        numbers = torch.frombuffer(bytearray(ended.stdout), dtype=dtype, count=math.prod(shape), offset=begin)
        found.append(numbers.view(shape))
        begin += found[-1].nbytes
    assert begin == len(ended.stdout)
    if form != LOCATIONS:
        found[2] = found[2].sum(2)
    return found


def assert_matches(program: Program, case: Case, tolerance: float) -> None:
    exact = case.to(torch.float64).requires_grad()
    operator = reference.deformable_attention if len(case.others) == 3 else reference.deformable_sampling
    expected = exact.run(operator)
    grad = torch.randn_like(expected).to(case.value.dtype)
    wanted = (expected, *exact.grads(operator, grad.double()))
    for found, exactly in zip(call(program, case, grad), wanted, strict=True):
        assert relative_error(found, exactly) < tolerance


@pytest.mark.parametrize("reference_size", [2, 4])
@pytest.mark.parametrize("channels", [1, 3, 4, 15, 16, 32, 64, 72])
def test_head_widths(program: Program, channels: int, reference_size: int) -> None:
    case = attention_case(channels=channels, reference_size=reference_size, shapes=SHAPES)
    assert_matches(program, case, 5e-6)


@pytest.mark.parametrize("channels", [5, 32])
def test_types(program: Program, channels: int) -> None:
    exact = {"channels": channels, "dtype": torch.float64, "shapes": SHAPES}
    assert_matches(program, attention_case(**exact), 1e-13)
    assert_matches(program, sampling_case(**exact), 1e-13)
    for case in (attention_case(channels=channels, shapes=SHAPES), sampling_case(channels=channels, shapes=SHAPES)):
        assert_matches(program, Case(case.value.bfloat16(), case.shapes, case.others), 2**-8)
    assert_matches(program, sampling_case(channels=channels, shapes=SHAPES), 5e-6)


@pytest.mark.parametrize(("heads", "points"), [(1, 1), (3, 5), (8, 4)])
def test_numbers_of_heads_and_points(program: Program, heads: int, points: int) -> None:
    assert_matches(program, attention_case(heads=heads, points=points, shapes=SHAPES), 5e-6)
