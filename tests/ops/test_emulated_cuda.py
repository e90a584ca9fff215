"""The CUDA operators, with their kernels on an emulated warp, against the reference in float64.

A GPU is not needed: `test_cuda.py` has what only a GPU can show.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.ops.cases import LEVELS, Case, Shapes, attention_case, relative_error, sampling_case
from tests.ops.emulated import build, find_sanitizer
from vidtrack.ops import reference

pytestmark = pytest.mark.usefixtures("emulated")
SMALL: Shapes = [(5, 7), (3, 2), (1, 1)]
HALF = [(torch.float16, 3e-3), (torch.bfloat16, 3e-2)]


def guarded(tensor: Tensor, offset: int = 0) -> Tensor:
    """A contiguous copy between NaNs, `offset` numbers past an address that is a multiple of 64 bytes."""
    buffer = torch.full((tensor.numel() + 128,), math.nan, dtype=tensor.dtype)
    return buffer[64 + offset : 64 + offset + tensor.numel()].view(tensor.shape).copy_(tensor)


def operator_of(case: Case) -> str:
    return "deformable_attention" if len(case.others) == 3 else "deformable_sampling"


def forward(case: Case) -> Tensor:
    sizes = [size for shape in case.shapes for size in shape]
    return getattr(torch.ops.emulated, operator_of(case))(case.value, sizes, *case.others)


def backward(case: Case, grad: Tensor) -> tuple[Tensor, ...]:
    sizes = [size for shape in case.shapes for size in shape]
    return getattr(torch.ops.emulated, operator_of(case) + "_backward")(grad, case.value, sizes, *case.others)


def assert_matches(case: Case, tolerance: float, guard: Callable[[Tensor], Tensor] = guarded) -> None:
    """Compare output and all gradients with the reference in float64."""
    case = Case(guard(case.value), case.shapes, tuple(guard(tensor) for tensor in case.others))
    exact = case.to(torch.float64).requires_grad()
    operator = getattr(reference, operator_of(case))
    output, expected = forward(case), exact.run(operator)
    assert output.dtype == case.value.dtype
    assert relative_error(output, expected) < tolerance
    grad = torch.randn_like(expected).to(output.dtype)
    grads = backward(case, guard(grad))
    for tensor, found, wanted in zip(case.tensors, grads, exact.grads(operator, grad.double()), strict=True):
        assert found.shape == tensor.shape and found.dtype == tensor.dtype
        assert relative_error(found, wanted) < tolerance


@pytest.mark.parametrize("reference_size", [2, 4])
@pytest.mark.parametrize("channels", [1, 3, 4, 8, 12, 16, 20, 32, 33, 40, 64, 96, 128, 192, 260])
def test_head_widths(channels: int, reference_size: int) -> None:
    assert_matches(attention_case(queries=3, heads=3, channels=channels, reference_size=reference_size), 5e-6)


@pytest.mark.parametrize(("dtype", "tolerance"), HALF)
@pytest.mark.parametrize("channels", [7, 8, 16, 24, 32, 40, 64, 128, 136])
def test_half_precision(dtype: torch.dtype, tolerance: float, channels: int) -> None:
    assert_matches(attention_case(queries=2, heads=3, channels=channels, dtype=dtype), tolerance)
    assert_matches(attention_case(batch=1, queries=3, channels=channels, dtype=dtype, reference_size=4), tolerance)
    assert_matches(sampling_case(queries=2, channels=channels, dtype=dtype), tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), HALF)
@pytest.mark.parametrize("channels", [5, 8, 32])
def test_half_precision_value_with_float32_coordinates(dtype: torch.dtype, tolerance: float, channels: int) -> None:
    case = attention_case(queries=5, channels=channels, shapes=[(50, 167)])
    mixed = Case(case.value.to(dtype), case.shapes, case.others)
    exact = Case(mixed.value.double(), case.shapes, tuple(tensor.double() for tensor in case.others))
    assert_matches(mixed, tolerance)
    assert relative_error(forward(mixed), exact.run(reference.deformable_attention)) < torch.finfo(dtype).eps


@pytest.mark.parametrize(
    ("heads", "points", "levels"), [(8, 4, 3), (1, 1, 1), (3, 5, 2), (2, 16, 3), (7, 11, 1), (1, 40, 3), (2, 3, 16)]
)
@pytest.mark.parametrize("channels", [2, 16, 32, 128])
def test_numbers_of_heads_points_and_levels(heads: int, points: int, levels: int, channels: int) -> None:
    shapes = (LEVELS * 6)[:levels]
    assert_matches(
        attention_case(batch=1, queries=3, heads=heads, points=points, shapes=shapes, channels=channels), 5e-6
    )


@pytest.mark.parametrize(("batch", "queries"), [(1, 1), (1, 2), (1, 300), (3, 11), (67, 1)])
@pytest.mark.parametrize("reference_size", [2, 4])
def test_numbers_of_images_and_queries(batch: int, queries: int, reference_size: int) -> None:
    """Warps and blocks that are full, and those whose last lanes have nothing to do."""
    case = attention_case(batch=batch, queries=queries, heads=3, shapes=SMALL, reference_size=reference_size, points=2)
    assert_matches(case, 5e-6)


@pytest.mark.parametrize("channels", [5, 16, 32, 64, 128])
def test_unfused(channels: int) -> None:
    assert_matches(sampling_case(queries=7, channels=channels), 5e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("channels", [16, 32, 64])
@pytest.mark.parametrize("offset", [1, 2, 3])
def test_addresses_that_are_not_multiples_of_16_bytes(dtype: torch.dtype, channels: int, offset: int) -> None:
    case = attention_case(queries=3, channels=channels, dtype=dtype, shapes=SMALL)
    tolerance = 5e-6 if dtype == torch.float32 else 3e-2
    assert_matches(case, tolerance, lambda tensor: guarded(tensor, offset))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_strided_arguments(dtype: torch.dtype) -> None:
    case = attention_case(queries=5, dtype=dtype)
    value = case.value.transpose(0, 1).contiguous().transpose(0, 1)
    wide = torch.cat([case.others[1], case.others[1]], dim=-1)[..., :2]
    points = case.others[0][:, :, :1].expand(-1, -1, 3, -1)
    assert not value.is_contiguous() and not wide.is_contiguous() and not points.is_contiguous()
    strided = Case(value, case.shapes, (points, wide, case.others[2]))
    tidy = Case(case.value, case.shapes, (points.contiguous(), wide.contiguous(), case.others[2]))
    assert torch.equal(forward(strided), forward(tidy))
    grad = torch.ones(()).to(dtype).expand(2, 5, 64)
    for found, wanted in zip(backward(strided, grad), backward(tidy, grad.contiguous()), strict=True):
        assert torch.equal(found, wanted)


@pytest.mark.parametrize("channels", [5, 16])
@pytest.mark.parametrize("coordinate", [-1e30, -3.0, 5.0, 1e30, math.inf, -math.inf, math.nan])
def test_locations_far_outside_sample_nothing(coordinate: float, channels: int) -> None:
    case = sampling_case(queries=3, channels=channels, shapes=SMALL)
    case.others[0].fill_(coordinate)
    assert not forward(case).any()
    grad_value, _, grad_weights = backward(case, torch.ones(2, 3, 3 * channels))
    assert not grad_value.any() and not grad_weights.any()


@pytest.mark.parametrize("channels", [5, 16])
@pytest.mark.parametrize("edge", [-1.0, -0.75, -0.5, 0.0, 0.25, 3.5, 4.0, 4.25, 4.5, 5.0])
def test_borders(edge: float, channels: int) -> None:
    """At the border of a level and up to one pixel on either side of it, where corners disappear."""
    case = sampling_case(queries=2, channels=channels, shapes=[(2, 4)])
    case.others[0].fill_(0.375)
    case.others[0][..., 0] = edge / 4
    exact = case.to(torch.float64).requires_grad()
    torch.testing.assert_close(forward(case).double(), exact.run(reference.deformable_sampling), rtol=1e-6, atol=1e-6)
    grad = torch.randn(2, 2, 3 * channels)
    grad_value, _, grad_weights = exact.grads(reference.deformable_sampling, grad.double())
    found_value, _, found_weights = backward(case, grad)
    torch.testing.assert_close(found_value.double(), grad_value, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found_weights.double(), grad_weights, rtol=1e-5, atol=1e-5)


def test_nan_logits_are_not_hidden() -> None:
    case = attention_case(queries=5)
    case.others[2][0, 3, 1, 0, 2] = math.nan
    heads = forward(case).unflatten(-1, (4, 16)).isnan()
    assert heads[0, 3, 1].all() and heads.sum() == 16


def test_large_logits_do_not_overflow() -> None:
    case = attention_case(queries=5)
    assert_matches(Case(case.value, case.shapes, (*case.others[:2], case.others[2] * 1000 - 5000)), 5e-6)


def test_no_queries() -> None:
    case = attention_case(queries=0)
    assert forward(case).shape == (2, 0, 64)
    assert not backward(case, torch.zeros(2, 0, 64))[0].any()


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (attention_case(dtype=torch.float64), "float32, float16 or bfloat16"),
        (attention_case(shapes=[(2, 2)] * 17), "at most 16 levels, got 17"),
    ],
    ids=["float64", "levels"],
)
def test_what_the_kernels_do_not_take_is_refused(case: Case, said: str) -> None:
    with pytest.raises(RuntimeError, match=said):
        forward(case)


def test_more_points_than_shared_memory_holds_are_refused() -> None:
    case = attention_case(batch=1, points=3000, queries=1, shapes=LEVELS[:2], channels=128)
    with pytest.raises(RuntimeError, match="on CUDA"):
        backward(case, torch.ones(1, 1, 512))


@pytest.mark.slow
def test_everything_stays_in_bounds(tmp_path: Path) -> None:
    """All of the above with AddressSanitizer, and as on a GPU without vector atomics."""
    preloaded = find_sanitizer()
    library = build(tmp_path, 750, ("-fsanitize=address,undefined", "-g1"))
    settings = {
        "LD_PRELOAD": preloaded,
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        "VIDTRACK_EMULATED": str(library),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", __file__]
    result = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True)
    assert result.returncode == 0, (result.stdout + result.stderr)[-6000:]
