"""The CUDA operators against the reference in float64."""

from __future__ import annotations

import pytest
import torch

from tests.ops.cases import LEVELS, Case, attention_case, relative_error, sampling_case
from vidtrack import ops
from vidtrack.ops import reference

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("cuda_kernels")]


@pytest.fixture
def cuda_kernels() -> None:
    """Fail, not skip, where these tests are asked for and there is no GPU or no compiled kernel."""
    assert torch.cuda.is_available(), "tests marked gpu need a CUDA device"
    assert ops.is_compiled("cuda"), "the CUDA kernels were not built: VIDTRACK_CUDA=1 says why"


def assert_matches(case: Case, operator: str, tolerance: float) -> None:
    """Compare output and all gradients with the reference on the CPU in float64."""
    on_gpu, exact = case.to("cuda").requires_grad(), case.to(torch.float64).requires_grad()
    output, expected = on_gpu.run(getattr(ops, operator)), exact.run(getattr(reference, operator))
    assert output.dtype == case.value.dtype
    assert relative_error(output, expected) < tolerance
    grad = torch.randn_like(expected)
    grads = on_gpu.grads(getattr(ops, operator), grad.to("cuda", output.dtype))
    for found, wanted in zip(grads, exact.grads(getattr(reference, operator), grad), strict=True):
        assert relative_error(found, wanted) < tolerance


@pytest.mark.parametrize("reference_size", [2, 4])
@pytest.mark.parametrize("channels", [1, 3, 8, 12, 16, 24, 32, 40, 64, 96, 128, 192, 256, 260])
def test_head_widths(channels: int, reference_size: int) -> None:
    assert_matches(attention_case(channels=channels, reference_size=reference_size), "deformable_attention", 5e-6)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 3e-3), (torch.bfloat16, 3e-2)])
@pytest.mark.parametrize("channels", [7, 8, 16, 32, 64, 128])
def test_half_precision(dtype: torch.dtype, tolerance: float, channels: int) -> None:
    assert_matches(attention_case(channels=channels, dtype=dtype), "deformable_attention", tolerance)
    assert_matches(sampling_case(channels=channels, dtype=dtype), "deformable_sampling", tolerance)


@pytest.mark.parametrize(("heads", "points", "levels"), [(8, 4, 3), (1, 1, 1), (3, 5, 2), (2, 16, 3), (16, 40, 3)])
def test_numbers_of_heads_points_and_levels(heads: int, points: int, levels: int) -> None:
    case = attention_case(heads=heads, points=points, shapes=LEVELS[:levels], channels=32)
    assert_matches(case, "deformable_attention", 5e-6)


def test_unfused() -> None:
    assert_matches(sampling_case(channels=32), "deformable_sampling", 5e-6)


def test_any_batch() -> None:
    assert_matches(attention_case(batch=67, queries=5), "deformable_attention", 5e-6)


def test_half_precision_value_with_float32_coordinates() -> None:
    case = attention_case(channels=32, shapes=[(100, 167)])
    mixed = Case(case.value.bfloat16(), case.shapes, case.others)
    exact = Case(mixed.value.double(), case.shapes, tuple(t.double() for t in case.others))
    on_gpu = Case(mixed.value.cuda(), case.shapes, tuple(t.cuda() for t in case.others))
    found = on_gpu.run(ops.deformable_attention)
    assert found.dtype == torch.bfloat16
    assert relative_error(found, exact.run(reference.deformable_attention)) < 2**-8


def test_addresses_that_are_not_multiples_of_16_bytes() -> None:
    case = attention_case(channels=16).to("cuda")
    shifted = torch.empty(case.value.numel() + 1, device="cuda")[1:].view_as(case.value).copy_(case.value)
    moved = Case(shifted, case.shapes, case.others)
    torch.testing.assert_close(moved.run(ops.deformable_attention), case.run(ops.deformable_attention))


def test_indices_beyond_31_bits() -> None:
    """9 images of 2^28 numbers each: the last one starts beyond 2^31."""
    shapes = [(1024, 1024)]
    value = torch.zeros(9, 1024 * 1024, 8, 32, dtype=torch.float16, device="cuda")
    value[8] = 1
    points = torch.full((9, 1, 1, 2), 0.5, device="cuda")
    offsets, logits = torch.zeros(9, 1, 8, 1, 4, 2, device="cuda"), torch.zeros(9, 1, 8, 1, 4, device="cuda")
    output = ops.deformable_attention(value, shapes, points, offsets, logits)
    assert not output[:8].any() and (output[8] == 1).all()


def test_graph_capture() -> None:
    case = attention_case(channels=32).to("cuda")
    expected = case.run(ops.deformable_attention)  # also warms up
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        output = case.run(ops.deformable_attention)
    output.zero_()
    graph.replay()
    torch.testing.assert_close(output, expected)


def test_runs_on_the_current_stream() -> None:
    case = attention_case(channels=32).to("cuda")
    expected = case.run(ops.deformable_attention)
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        torch.cuda._sleep(10_000_000)
        doubled = Case(case.value * 2, case.shapes, case.others)  # ready only after the sleep
        output = doubled.run(ops.deformable_attention)
    stream.synchronize()
    torch.testing.assert_close(output, expected * 2)


def test_float64_is_served_by_plain_pytorch() -> None:
    case = attention_case(dtype=torch.float64)
    found = case.to("cuda").run(ops.deformable_attention)
    assert relative_error(found, case.run(reference.deformable_attention)) < 1e-12


def test_too_many_levels_are_refused() -> None:
    case = attention_case(shapes=[(2, 2)] * 17).to("cuda")
    with pytest.raises(RuntimeError, match="16 levels"):
        case.run(ops.deformable_attention)


def test_gradients_of_a_wrong_launch_are_not_silent() -> None:
    """More points than a block has shared memory for is an error, not a wrong gradient."""
    case = attention_case(points=3000, queries=1, shapes=LEVELS[:2], channels=128).to("cuda").requires_grad()
    output = case.run(ops.deformable_attention)
    with pytest.raises(RuntimeError, match="on CUDA"):
        output.sum().backward()
