"""Time and memory of forward and backward against the number of pixels.

    python benchmarks/attention_cost.py

prints one encoder self-attention of the shipped width alone, deformable and dense, as processor time of one thread.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from multiprocessing import get_context
from typing import Any

import torch
from dense_attention import DenseAttention
from torch.nn.attention import SDPBackend, sdpa_kernel

from vidtrack.model.attention import DeformableAttention
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.encoder import grid_references

REPEATS = 5
PARTS = ("attention", "network")
STORED = "dense, scores stored"  # as DETR's own code does, and everyone did before fused kernels


def measure_costs(
    models: Mapping[str, DeformableDETR], sizes: Sequence[int], precision: str
) -> list[dict[str, str | int | float | None]]:
    """One row for each variant and size of a square image: the network, and one self-attention of its encoder.

    On a CPU each is measured in a process of its own, whose memory can be told from that of others.
    """
    device = next(iter(models.values())).device
    rows: list[dict[str, str | int | float | None]] = []
    for name, model in models.items():
        for stored in (False, True) if name == "dense" and device.type == "cuda" else (False,):
            for size in sizes:
                row = {"variant": STORED if stored else name, "size": size, "pixels": size * size}
                for part in PARTS:
                    arguments = (model, part, size, precision, stored)
                    if device.type == "cuda":
                        row |= _measure(*arguments)
                    else:
                        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                            row |= pool.submit(_measure, *arguments).result()
                rows.append(row)
                print(row, flush=True)
    return rows


def _measure(
    model: DeformableDETR, part: str, size: int, precision: str, stored: bool
) -> dict[str, int | float | None]:
    device, config = model.device, model.config
    torch.manual_seed(0)
    model.train()
    strides = [2 ** (6 - config.feature_levels + level) for level in range(config.num_levels)]
    shapes = [(-(-size // stride),) * 2 for stride in strides]
    count = sum(height * width for height, width in shapes)
    if part == "network":
        pixels = torch.randn(1, 3, size, size, device=device)

        def act() -> None:
            output = model(pixels)
            (output.logits.float().sum() + output.boxes.float().sum()).backward()
    else:
        tokens = torch.randn(1, count, config.hidden_dim, device=device, requires_grad=True)
        reference = grid_references(shapes, torch.ones(1, len(shapes), 2, device=device))
        attention = model.encoder.layers[0].self_attn

        def act() -> None:
            attention(tokens, reference, tokens, shapes, None).float().sum().backward()

    with (
        sdpa_kernel(SDPBackend.MATH) if stored else nullcontext(),
        torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"),
    ):
        found = _cost(act, device)
    model.zero_grad(set_to_none=True)
    return {"tokens": count} | {f"{part}_{key}": value for key, value in found.items()}


def _cost(act: Callable[[], Any], device: torch.device) -> dict[str, float | int | None]:
    """Median seconds and peak bytes beyond what was held before, None if memory ran out."""
    try:
        with _peak(device) as peak:
            act()
        seconds = []
        for _ in range(REPEATS):
            _synchronise(device)
            began = time.perf_counter()
            act()
            _synchronise(device)
            seconds.append(time.perf_counter() - began)
    except torch.OutOfMemoryError:
        return {"seconds": None, "bytes": None}
    return {"seconds": statistics.median(seconds), "bytes": peak[0]}


@contextmanager
def _peak(device: torch.device) -> Iterator[list[int]]:
    """A list that holds the peak bytes afterwards."""
    found: list[int] = []
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        yield found
        found.append(torch.cuda.max_memory_allocated() - before)
    else:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        yield found
        found.append((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def print_table(sizes: Sequence[int], dim: int = 128, heads: int = 8, points: int = 4, rounds: int = 3) -> None:
    """Both attentions turn by turn on strides 8, 16 and 32 of square images; the least time of each counts."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    modules = {"deformable": DeformableAttention(dim, heads, 3, points), "dense": DenseAttention(dim, heads, True)}
    print("| image | tokens | deformable, ms | dense, ms | dense / deformable |")
    print("|---|---:|---:|---:|---:|")
    for size in sizes:
        shapes = [(size // stride, size // stride) for stride in (8, 16, 32)]
        count = sum(height * width for height, width in shapes)
        reference = grid_references(shapes, torch.ones(1, 3, 2))
        least = dict.fromkeys(modules, float("inf"))
        for _ in range(rounds):
            for name, module in modules.items():
                tokens = torch.randn(1, count, dim, requires_grad=True)
                began = time.process_time()
                module(tokens, reference, tokens, shapes, None).sum().backward()
                least[name] = min(least[name], time.process_time() - began)
        sparse, dense = (least[name] * 1000 for name in modules)
        print(f"| {size}x{size} | {count} | {sparse:.1f} | {dense:.1f} | {dense / sparse:.1f} |", flush=True)


if __name__ == "__main__":
    print_table((256, 320, 384, 448, 512, 640, 768))
