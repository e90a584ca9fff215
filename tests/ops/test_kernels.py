"""The compiled CPU operators against the reference in float64."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.ops.cases import LEVELS, Case, attention_case, relative_error, sampling_case
from tests.ops.emulated import find_compiler, find_sanitizer
from tests.ops.test_build import build
from vidtrack import ops
from vidtrack.ops import reference

pytestmark = pytest.mark.usefixtures("compiled")


def assert_matches(case: Case, operator: str, tolerance: float) -> None:
    """Compare output and all gradients with the reference in float64."""
    compiled, exact = getattr(ops, operator), getattr(reference, operator)
    case, double = case.requires_grad(), case.to(torch.float64).requires_grad()
    output, expected = case.run(compiled), double.run(exact)
    assert output.dtype == case.value.dtype
    assert relative_error(output, expected) < tolerance
    grad = torch.randn_like(expected)
    grads, expected_grads = case.grads(compiled, grad.to(output.dtype)), double.grads(exact, grad)
    for tensor, found, wanted in zip(case.tensors, grads, expected_grads, strict=True):
        assert found.shape == tensor.shape and found.dtype == tensor.dtype
        assert relative_error(found, wanted) < tolerance


@pytest.mark.parametrize("reference_size", [2, 4])
@pytest.mark.parametrize("channels", [1, 3, 4, 8, 15, 16, 24, 32, 64, 72, 128])
def test_head_widths(channels: int, reference_size: int) -> None:
    assert_matches(attention_case(channels=channels, reference_size=reference_size), "deformable_attention", 5e-6)


@pytest.mark.parametrize(
    ("heads", "points", "levels"), [(8, 4, 3), (8, 4, 1), (1, 1, 1), (3, 5, 2), (2, 16, 3), (16, 4, 3)]
)
@pytest.mark.parametrize("reference_size", [2, 4])
def test_numbers_of_heads_points_and_levels(heads: int, points: int, levels: int, reference_size: int) -> None:
    case = attention_case(heads=heads, points=points, shapes=LEVELS[:levels], reference_size=reference_size)
    assert_matches(case, "deformable_attention", 5e-6)


@pytest.mark.parametrize("channels", [5, 16, 32])
def test_unfused(channels: int) -> None:
    assert_matches(sampling_case(channels=channels), "deformable_sampling", 5e-6)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-13), (torch.float16, 2e-3), (torch.bfloat16, 2e-2)]
)
def test_types(dtype: torch.dtype, tolerance: float) -> None:
    assert_matches(attention_case(dtype=dtype), "deformable_attention", tolerance)
    assert_matches(sampling_case(dtype=dtype), "deformable_sampling", tolerance)


def test_half_precision_value_with_exact_coordinates() -> None:
    case = attention_case()
    mixed = Case(case.value.bfloat16(), case.shapes, case.others)
    exact = Case(mixed.value.double(), case.shapes, tuple(t.double() for t in case.others))
    output = mixed.run(ops.deformable_attention)
    assert output.dtype == torch.bfloat16
    assert relative_error(output, exact.run(reference.deformable_attention)) < 2**-8


def test_float32_is_no_worse_than_grid_sample() -> None:
    case = attention_case(queries=500, heads=8, channels=32, shapes=[(100, 167), (50, 84)])
    exact = case.to(torch.float64).run(reference.deformable_attention)
    found = case.run(ops.deformable_attention).double() - exact
    grid_sample = case.run(reference.deformable_attention).double() - exact
    assert found.square().mean().sqrt() <= grid_sample.square().mean().sqrt()


def test_strided_arguments() -> None:
    case = attention_case(channels=16)
    value = case.value.transpose(0, 1).contiguous().transpose(0, 1)
    wide = torch.cat([case.others[1], case.others[1]], dim=-1)[..., :2]
    strided = Case(value, case.shapes, (case.others[0].flip(1).flip(1), wide, case.others[2]))
    assert not value.is_contiguous() and not wide.is_contiguous()
    torch.testing.assert_close(strided.run(ops.deformable_attention), case.run(ops.deformable_attention))


@pytest.mark.parametrize("coordinate", [-1e30, -3.0, 5.0, 1e30, math.inf, -math.inf, math.nan])
def test_locations_far_outside_sample_nothing(coordinate: float) -> None:
    case = sampling_case()
    locations = torch.full_like(case.others[0], coordinate)
    output = Case(case.value, case.shapes, (locations, case.others[1])).run(ops.deformable_sampling)
    assert torch.equal(output, torch.zeros_like(output))


@pytest.mark.parametrize("edge", [-0.5, 0.0, 1.0, 1.5])
def test_borders(edge: float) -> None:
    """Exactly at the border, half a pixel and one pixel outside, where one row of corners disappears."""
    case = sampling_case(dtype=torch.float64, shapes=[(2, 3)])
    case.others[0].fill_(0.4)
    case.others[0][..., 0] = edge / 3 if edge < 1 else 1 + (edge - 1) / 3
    torch.testing.assert_close(case.run(ops.deformable_sampling), case.run(reference.deformable_sampling))


def test_nan_logits_are_not_hidden() -> None:
    case = attention_case()
    case.others[2][0, 3, 1, 0, 2] = math.nan
    head = case.run(ops.deformable_attention).unflatten(-1, (4, 16))[0, 3, 1]
    assert head.isnan().all()


def test_large_logits_do_not_overflow() -> None:
    case = attention_case()
    scaled = Case(case.value, case.shapes, (*case.others[:2], case.others[2] * 1000 - 5000))
    exact = scaled.to(torch.float64).run(reference.deformable_attention)
    assert relative_error(scaled.run(ops.deformable_attention), exact) < 5e-6


def test_no_queries() -> None:
    case = attention_case(queries=0).requires_grad()
    output = case.run(ops.deformable_attention)
    assert output.shape == (2, 0, 64)
    output.sum().backward()
    assert case.value.grad is not None and not case.value.grad.any()


def test_threads_agree() -> None:
    case = attention_case(queries=300, batch=3).requires_grad()
    grad = torch.randn(3, 300, 64)
    many = case.grads(ops.deformable_attention, grad)
    threads = torch.get_num_threads()
    torch.set_num_threads(1 if threads > 1 else 4)
    try:
        few = case.grads(ops.deformable_attention, grad)
    finally:
        torch.set_num_threads(threads)
    for a, b in zip(many, few, strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: Case(c.value[:, 1:], c.shapes, c.others), "positions"),
        (lambda c: Case(c.value, [(0, 17), *c.shapes[1:]], c.others), "no rows"),
        (lambda c: Case(c.value, c.shapes[:2], c.others), "positions"),
        (lambda c: Case(c.value, c.shapes, (c.others[0][..., :1], *c.others[1:])), "2 or 4"),
        (lambda c: Case(c.value, [(2**25, 1), (2**39, 2**39)], c.others), "33554432 x 1"),
        (lambda c: Case(c.value[..., :0], c.shapes, c.others), "no channels"),
        (lambda c: Case(c.value, c.shapes, (*c.others[:2], c.others[2][..., :3])), r"logits .* is \(2, 37, 4, 3, 3\)"),
        (lambda c: Case(c.value, c.shapes, (c.others[0][:, 1:], *c.others[1:])), r"call for \(2, 37, 3, 2\)"),
        (lambda c: Case(c.value.int(), c.shapes, c.others), "float64, float32"),
    ],
)
def test_wrong_arguments_are_refused(change: object, message: str) -> None:
    assert callable(change)
    with pytest.raises(RuntimeError, match=message):
        change(attention_case()).run(ops.deformable_attention)


@pytest.mark.slow
def test_everything_stays_in_bounds(tmp_path: Path) -> None:
    """All of the above with AddressSanitizer and UndefinedBehaviorSanitizer, for each instruction set.

    But for a comparison of rounding errors, which are larger without the compiler's fused operations.
    """
    preloaded = find_sanitizer()
    compiler = tmp_path / "c++"
    compiler.write_text(f'#!/bin/sh\nexec {find_compiler()} "$@" -fsanitize=address,undefined -g1 -O1\n')
    compiler.chmod(0o755)
    (tmp_path / "build").mkdir()
    made = build(tmp_path / "build", CXX=str(compiler), VIDTRACK_BUILD="1", VIDTRACK_CUDA="0")
    assert made.returncode == 0, made.stderr
    library = tmp_path / "build" / "out" / "vidtrack"
    run = (
        f"import sys, pytest, vidtrack; vidtrack.__path__.insert(0, {str(library)!r})\n"
        "from vidtrack.ops import compiled\n"
        f"assert str(compiled._find().parent) == {str(library)!r}\n"
        f"sys.exit(pytest.main(['-q', '-x', '-p', 'no:cacheprovider', '-k', 'not no_worse', {__file__!r}]))"
    )
    for level in ("baseline", "avx2", "avx512"):
        settings = {
            "LD_PRELOAD": preloaded,
            "ASAN_OPTIONS": "detect_leaks=0",
            "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
            "VIDTRACK_CPU": level,
        }
        done = subprocess.run(
            [sys.executable, "-c", run], env={**os.environ, **settings}, capture_output=True, text=True
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
