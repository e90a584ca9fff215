"""Speed and exactness of deformable attention: our kernels beside grid_sample and the packages that are installed.

    python benchmarks/sampler.py [--device cuda] [--dtype bfloat16] [--threads 1 --clock cpu] [--report sampler.md]

Every candidate gets the network's own inputs (reference points, raw offsets, raw logits), so those that have no fused
operator pay for softmax and locations in PyTorch, as they do in a network. All candidates take turns within each round;
the fastest of the rounds counts. On a CPU the kernels of the next narrower instruction set are among them. `--clock
cpu` counts processor time of all threads, for busy machines. The floor is the time to move the bytes of inputs and
outputs once, at the bandwidth of a large copy measured in the same run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from sampler_peers import CPU_PEERS, CUDA_PEERS, Operator, Shapes, with_glue
from torch import Tensor

from vidtrack import ops
from vidtrack.ops import reference


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
NARROWER = {"avx512": "avx2", "avx2": "baseline"}


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


def forward(operator: Operator, inputs: Inputs) -> Tensor:
    with torch.no_grad():
        return operator(inputs.tensors[0], inputs.shapes, *inputs.tensors[1:])


def both(operator: Operator, inputs: Inputs) -> None:
    leaves = [tensor for tensor in inputs.tensors if tensor.requires_grad]
    torch.autograd.grad(operator(inputs.tensors[0], inputs.shapes, *inputs.tensors[1:]), leaves, inputs.grad)


@dataclass(frozen=True)
class Setting:
    """How to measure; the command line."""

    device: str
    dtype: torch.dtype
    threads: int
    clock: str
    rounds: int

    def time(self, operator: Operator, inputs: Inputs) -> list[float]:
        """Milliseconds of forward, and of forward and backward."""
        clock = Clock(self.device, self.clock)
        return [clock(lambda: forward(operator, inputs)), clock(lambda: both(operator, inputs))]


@cache
def cached_inputs(case: Case, setting: Setting) -> Inputs:
    torch.set_num_threads(setting.threads)
    return make_inputs(case, setting.device, setting.dtype)


def time_here(case: Case, setting: Setting) -> list[float]:
    return setting.time(ops.deformable_attention, cached_inputs(case, setting))


def output_here(case: Case, setting: Setting) -> np.ndarray:
    return forward(ops.deformable_attention, cached_inputs(case, setting)).float().numpy()


def other_process(instruction_set: str) -> ProcessPoolExecutor:
    """A process in which our library uses other kernels: it chooses them once."""
    pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
    before = os.environ.get("VIDTRACK_CPU")
    os.environ["VIDTRACK_CPU"] = instruction_set
    used = pool.submit(ops.build_info).result()["cpu"]
    os.environ.pop("VIDTRACK_CPU") if before is None else os.environ.update(VIDTRACK_CPU=before)
    assert used == instruction_set, f"{used} kernels where {instruction_set} was asked for"
    return pool


@dataclass(frozen=True)
class Row:
    """One line of a table; milliseconds, and the root mean square of the error over that of the exact output."""

    name: str
    forward: float
    both: float
    error: float


def measure(
    case: Case, operators: dict[str, Operator], others: dict[str, ProcessPoolExecutor], setting: Setting
) -> Iterator[Row]:
    """Time every operator in turn, here and in the other processes, for as many rounds as the setting says."""
    inputs = make_inputs(case, setting.device, setting.dtype)
    exact = reference.deformable_attention(
        inputs.tensors[0].detach().double(), inputs.shapes, *(t.detach().double() for t in inputs.tensors[1:])
    )
    best: dict[str, list[float]] = {}
    for _ in range(setting.rounds + 1):  # the first round warms up
        times = {name: setting.time(operator, inputs) for name, operator in operators.items()}
        times |= {name: pool.submit(time_here, case, setting).result() for name, pool in others.items()}
        for name, pair in times.items():
            best[name] = [min(two) for two in zip(best.get(name, pair), pair, strict=True)]
    outputs = {name: forward(operator, inputs) for name, operator in operators.items()}
    outputs |= {n: torch.from_numpy(pool.submit(output_here, case, setting).result()) for n, pool in others.items()}
    for name, output in outputs.items():
        error = ((output.double() - exact).square().mean() / exact.square().mean()).sqrt().item()
        yield Row(name, *best[name], error)
    forward_bytes, all_bytes = moved_bytes(inputs)
    speed = bandwidth(setting.device, Clock(setting.device, setting.clock))
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
    dtype = getattr(torch, arguments.dtype)
    setting = Setting(arguments.device, dtype, arguments.threads, arguments.clock, arguments.rounds)
    is_cuda = arguments.device.startswith("cuda")
    instruction_set = str(ops.build_info()["cpu"])
    machine = torch.cuda.get_device_name() if is_cuda else f"{platform.machine()}, {instruction_set}"
    details = f"{arguments.threads} threads, {arguments.clock} clock, {arguments.dtype}"
    head = f"{machine}, {details}, torch {torch.__version__}\n"
    print(head)
    operators, others = candidates(is_cuda), {}
    if not is_cuda and (narrower := NARROWER.get(instruction_set)):
        others[f"vidtrack, {narrower}"] = other_process(narrower)
    texts = [head]
    for case in CASES:
        if arguments.only in case.name:
            texts.append(table(case, list(measure(case, operators, others, setting))))
            print(texts[-1], flush=True)
    for pool in others.values():
        pool.shutdown()
    if arguments.report:
        with arguments.report.open("a") as file:
            file.write("\n".join(texts))


if __name__ == "__main__":
    main()
