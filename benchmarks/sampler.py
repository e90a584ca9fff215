"""Speed and exactness of deformable attention: our kernels beside grid_sample and the packages that are installed.

    python benchmarks/sampler.py [--device cuda] [--dtype bfloat16] [--threads 1 --clock cpu] [--report sampler.md]

Every candidate gets the network's own inputs (reference points, raw offsets, raw logits), so those that have no fused
operator pay for softmax and locations in PyTorch, as they do in a network. All candidates take turns within each round;
the fastest of the rounds counts. `--clock cpu` counts processor time of all threads, for busy machines. The floor is
the time to move the bytes of inputs and outputs once, at the bandwidth of a large copy measured in the same run.
"""

from __future__ import annotations

import argparse
import importlib
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vidtrack import ops
from vidtrack.ops import reference

Shapes = list[tuple[int, int]]
Operator = Callable[[Tensor, Shapes, Tensor, Tensor, Tensor], Tensor]
Unfused = Callable[[Tensor, Shapes, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Case:
    """One layer's call; `queries` None means an encoder, one query for each position."""

    name: str
    image: tuple[int, int]  # height, width
    strides: tuple[int, ...]
    channels: int  # of one of 8 heads
    queries: int | None = None
    batch: int = 1


CASES = (
    Case("encoder 800x1333, d 256", (800, 1333), (8, 16, 32, 64), 32),
    Case("encoder 480x800, d 256", (480, 800), (8, 16, 32, 64), 32),
    Case("encoder 320x576, d 128", (320, 576), (8, 16, 32, 64), 16),
    Case("encoder 320x576, d 128, 3 levels", (320, 576), (8, 16, 32), 16),
    Case("decoder 800x1333, d 256, 300 queries", (800, 1333), (8, 16, 32, 64), 32, 300),
)
HEADS, POINTS = 8, 4


@dataclass(frozen=True)
class Inputs:
    """Leaves of one call, value first, and a gradient of the output."""

    shapes: Shapes
    tensors: tuple[Tensor, Tensor, Tensor, Tensor]
    grad: Tensor


def centres(shapes: Shapes) -> Tensor:
    """Centre of each position of each level, (S, 2) as (x, y) in [0, 1]."""
    grids = [torch.cartesian_prod((torch.arange(h) + 0.5) / h, (torch.arange(w) + 0.5) / w) for h, w in shapes]
    return torch.cat(grids).flip(-1)


def make_inputs(case: Case, device: str, dtype: torch.dtype) -> Inputs:
    """Offsets of a few pixels, as a trained network has them; references stay float32."""
    torch.manual_seed(0)
    shapes = [(-(-case.image[0] // s), -(-case.image[1] // s)) for s in case.strides]
    tokens = sum(h * w for h, w in shapes)
    queries = case.queries or tokens
    grid = (case.batch, queries, HEADS, len(shapes), POINTS)
    points = torch.rand(queries, 2) if case.queries else centres(shapes)
    points = points[None, :, None].expand(case.batch, -1, len(shapes), -1).contiguous()
    value = torch.randn(case.batch, tokens, HEADS, case.channels)
    tensors = (value.to(dtype), points, (torch.randn(*grid, 2) * 2).to(dtype), torch.randn(grid).to(dtype))
    leaves = [tensor.to(device).requires_grad_() for tensor in tensors]
    grad = torch.randn(case.batch, queries, HEADS * case.channels).to(device, dtype)
    return Inputs(shapes, (leaves[0], leaves[1].detach(), leaves[2], leaves[3]), grad)


def with_glue(unfused: Unfused) -> Operator:
    """Softmax and locations in PyTorch before an operator that takes weights and locations."""

    def operator(value: Tensor, shapes: Shapes, points: Tensor, offsets: Tensor, logits: Tensor) -> Tensor:
        locations = reference.sampling_locations(shapes, points, offsets)
        weights = logits.flatten(-2).softmax(-1).view_as(logits)
        return unfused(value, shapes, locations.to(value.dtype), weights)

    return operator


def level_starts(shapes: Shapes, device: torch.device) -> tuple[Tensor, Tensor]:
    """Shapes (L, 2) and first positions (L,) as the other packages take them."""
    sizes = torch.tensor(shapes, device=device)
    areas = sizes.prod(1)
    return sizes, torch.cat([areas.new_zeros(1), areas.cumsum(0)[:-1]])


def torch_ms_deform_attn() -> Unfused:
    function = importlib.import_module("torch_ms_deform_attn").ms_deform_attn
    return lambda v, s, x, w: function(v, *level_starts(s, v.device), x, w, 64)


def msda_triton() -> Unfused:
    function = importlib.import_module("msda_triton").multiscale_deformable_attention
    return lambda v, s, x, w: function(v, level_starts(s, v.device)[0], x, w, "zeros", False).flatten(2)


def official() -> Unfused:
    """The extension of the Deformable DETR repository, built there with its own setup.py."""
    return differentiable(importlib.import_module("MultiScaleDeformableAttention"))


def hugging_face() -> Unfused:
    """The kernel that the transformers package downloads."""
    return differentiable(importlib.import_module("kernels").get_kernel("kernels-community/deformable-detr"))


def differentiable(module: Any) -> Unfused:
    """Join the two functions of the official extension, or of its descendants."""

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *inputs: Tensor) -> Tensor:
            ctx.save_for_backward(*inputs)
            output: Tensor = module.ms_deform_attn_forward(*inputs, 64)
            return output

        @staticmethod
        def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
            value, locations, weights = module.ms_deform_attn_backward(*ctx.saved_tensors, grads[0].contiguous(), 64)
            return value, None, None, locations, weights

    return lambda v, s, x, w: Function.apply(v, *level_starts(s, v.device), x, w)


CPU_PEERS = (torch_ms_deform_attn,)
CUDA_PEERS = (official, hugging_face, msda_triton, torch_ms_deform_attn)


def candidates(is_cuda: bool) -> dict[str, Operator]:
    """Ours, then grid_sample, then every package that can be imported."""
    ops.require_compiled()
    found: dict[str, Operator] = {
        "vidtrack": ops.deformable_attention,
        "vidtrack, unfused": with_glue(ops.deformable_sampling),
        "grid_sample": reference.deformable_attention,
    }
    for load in CUDA_PEERS if is_cuda else CPU_PEERS:
        name = load.__name__.replace("_", "-")
        try:
            found[name] = with_glue(load())
        except ImportError:
            print(f"{name}: not installed")
    return found


class Clock:
    """Milliseconds of a call, by wall clock, by processor time, or between CUDA events."""

    def __init__(self, device: str, kind: str) -> None:
        self.is_cuda = device.startswith("cuda")
        self.now = time.process_time if kind == "cpu" else time.perf_counter

    def __call__(self, call: Callable[[], object]) -> float:
        if not self.is_cuda:
            start = self.now()
            call()
            return (self.now() - start) * 1e3
        repeats = 20  # so that the launches of one call hide behind the work of the one before
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        for _ in range(repeats):
            call()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) / repeats


def bandwidth(device: str, clock: Clock) -> float:
    """Bytes a millisecond of a copy too large for any cache, reads and writes counted."""
    source = torch.ones(64 * 1024 * 1024, device=device)
    target = torch.empty_like(source)
    return 2 * source.nbytes / min(clock(lambda: target.copy_(source)) for _ in range(5))


def moved_bytes(inputs: Inputs) -> tuple[int, int]:
    """Bytes of the forward pass, and of forward and backward: every tensor read or written once in each pass."""
    forward = sum(tensor.nbytes for tensor in inputs.tensors) + inputs.grad.nbytes
    gradients = sum(tensor.nbytes for tensor in inputs.tensors if tensor.requires_grad)
    return forward, 2 * forward + gradients


@dataclass(frozen=True)
class Row:
    """One line of a table; milliseconds, and the root mean square of the error over that of the exact output."""

    name: str
    forward: float
    both: float
    error: float


def measure(
    case: Case, operators: dict[str, Operator], clock: Clock, device: str, dtype: torch.dtype, rounds: int
) -> Iterator[Row]:
    """Time every operator in turn, `rounds` times."""
    inputs = make_inputs(case, device, dtype)
    exact = reference.deformable_attention(
        inputs.tensors[0].detach().double(), inputs.shapes, *(t.detach().double() for t in inputs.tensors[1:])
    )
    leaves = [tensor for tensor in inputs.tensors if tensor.requires_grad]

    def forward(operator: Operator) -> Tensor:
        with torch.no_grad():
            return operator(inputs.tensors[0], inputs.shapes, *inputs.tensors[1:])

    def both(operator: Operator) -> None:
        torch.autograd.grad(operator(inputs.tensors[0], inputs.shapes, *inputs.tensors[1:]), leaves, inputs.grad)

    best: dict[str, list[float]] = {}
    for _ in range(rounds + 1):  # the first round warms up
        for name, operator in operators.items():
            times = [clock(lambda f=operator: forward(f)), clock(lambda f=operator: both(f))]  # type: ignore[misc]
            best[name] = [min(pair) for pair in zip(best[name], times, strict=True)] if name in best else times
    for name, operator in operators.items():
        error = ((forward(operator).double() - exact).square().mean() / exact.square().mean()).sqrt().item()
        yield Row(name, best[name][0], best[name][1], error)
    forward_bytes, all_bytes = moved_bytes(inputs)
    speed = bandwidth(device, clock)
    yield Row("floor", forward_bytes / speed, all_bytes / speed, 0.0)


def table(case: Case, rows: list[Row]) -> str:
    """Markdown table; the columns in brackets are times over ours."""
    ours = rows[0]
    lines = [
        f"### {case.name}",
        "",
        "| | forward ms | ours = 1 | forward + backward ms | ours = 1 | error |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        error = f"{row.error:.1e}" if row.error else ""
        ratios = f"{row.forward / ours.forward:.2f} | {row.both:.2f} | {row.both / ours.both:.2f}"
        lines.append(f"| {row.name} | {row.forward:.2f} | {ratios} | {error} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=["float32", "float16", "bfloat16"], default="float32")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="run only the cases whose name contains this")
    parser.add_argument("--report", type=Path, help="append the tables to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    clock = Clock(arguments.device, arguments.clock)
    operators = candidates(clock.is_cuda)
    machine = torch.cuda.get_device_name() if clock.is_cuda else f"{platform.machine()}, {ops.build_info()['cpu']}"
    setting = f"{arguments.threads} threads, {arguments.clock} clock, {arguments.dtype}"
    head = f"{machine}, {setting}, torch {torch.__version__}\n"
    print(head)
    texts = [head]
    for case in CASES:
        if arguments.only in case.name:
            rows = list(
                measure(case, operators, clock, arguments.device, getattr(torch, arguments.dtype), arguments.rounds)
            )
            texts.append(table(case, rows))
            print(texts[-1], flush=True)
    if arguments.report:
        with arguments.report.open("a") as file:
            file.write("\n".join(texts))


if __name__ == "__main__":
    main()
