"""Detectors of transformers with and without our kernels: the same random weights and pixels, in turn, in one run.

    python benchmarks/detectors.py --threads 2 --frames 5 > benchmarks/detectors.md

Each family has the size of its default config, which is that of its paper's main model. Prints Markdown.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch
import transformers as hf
from torch import Tensor

from vidtrack.model.compiled_attention import use_compiled_attention
from vidtrack.ops import build_info

Answer = tuple[Tensor, Tensor]

# model class, config, (height, width) of the pixels
BY_CLASS: dict[str, tuple[str, str, tuple[int, int]]] = {
    "Deformable DETR": ("DeformableDetrForObjectDetection", "DeformableDetrConfig", (480, 800)),
    "RT-DETR": ("RTDetrForObjectDetection", "RTDetrConfig", (640, 640)),
    "RT-DETRv2": ("RTDetrV2ForObjectDetection", "RTDetrV2Config", (640, 640)),
    "D-FINE": ("DFineForObjectDetection", "DFineConfig", (640, 640)),
    "DEIMv2": ("Deimv2ForObjectDetection", "Deimv2Config", (640, 640)),
    "RF-DETR": ("RfDetrForObjectDetection", "RfDetrConfig", (560, 560)),
    "LW-DETR": ("LwDetrForObjectDetection", "LwDetrConfig", (640, 640)),
    "Grounding DINO": ("GroundingDinoForObjectDetection", "GroundingDinoConfig", (480, 800)),
}


def network(family: str) -> tuple[Any, dict[str, Tensor]]:
    """The family's model with random weights, and its inputs."""
    name, config, (height, width) = BY_CLASS[family]
    torch.manual_seed(0)
    model = getattr(hf, name)(getattr(hf, config)()).eval()
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            if "backbone" not in parameter_name:  # away from the zeros of a fresh network
                parameter.add_(torch.randn_like(parameter) * 0.02)
    inputs = {"pixel_values": torch.randn(1, 3, height, width)}
    if family == "Grounding DINO":
        inputs["input_ids"] = torch.tensor([[101, 2417, 2482, 1012, 102]])  # [CLS] red car . [SEP]
    return model, inputs


def timed(model: Callable[..., Any], inputs: dict[str, Tensor]) -> tuple[Answer, float, float]:
    """Answer, wall seconds and processor seconds of one frame."""
    wall, processor = time.perf_counter(), time.process_time()
    output = model(**inputs)
    return (output.logits, output.pred_boxes), time.perf_counter() - wall, time.process_time() - processor


@torch.inference_mode()
def compare(family: str, frames: int) -> str:
    """A row of the table."""
    plain, inputs = network(family)
    ours = copy.deepcopy(plain)
    count = use_compiled_attention(ours)
    seconds: dict[str, list[tuple[float, float]]] = {"plain": [], "ours": []}
    timed(plain, inputs), timed(ours, inputs)
    for _ in range(frames):
        answers = []
        for name, model in (("plain", plain), ("ours", ours)):
            answer, *measured = timed(model, inputs)
            answers.append(answer)
            seconds[name].append((measured[0], measured[1]))
    off = max(float((a.clamp(-99) - b.clamp(-99)).abs().max()) for a, b in zip(*answers, strict=True))
    best = {
        name: [f(column) for column in zip(*rows, strict=True) for f in (min, median)] for name, rows in seconds.items()
    }
    ratios = [theirs / mine for theirs, mine in zip(best["plain"], best["ours"], strict=True)]
    height, width = BY_CLASS[family][2]
    return (
        f"| {family} | {width}x{height} | {count} | {best['plain'][0]:.2f} | {best['ours'][0]:.2f} "
        f"| {ratios[0]:.2f} | {ratios[1]:.2f} | {ratios[2]:.2f} | {off:.0e} |"
    )


def main() -> None:
    """Measure family by family and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("families", nargs="*", default=[], help=f"default: all of {', '.join(BY_CLASS)}")
    parser.add_argument("--frames", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print("# Detectors of transformers with and without our kernels\n")
    print(f"CPU, {arguments.threads} threads, {arguments.frames} frames, plain and ours in turn;")
    print(f"torch {torch.__version__}, transformers {hf.__version__}, kernels: {build_info().get('cpu')}.\n")
    titles = ("plain, s", "ours, s", "times faster, best", "median", "processor time, best", "largest difference")
    print(f"| family | pixels | attentions | {' | '.join(titles)} |")
    print("|---|---|---|---|---|---|---|---|---|")
    for family in arguments.families or BY_CLASS:
        print(compare(family, arguments.frames), flush=True)


if __name__ == "__main__":
    main()
