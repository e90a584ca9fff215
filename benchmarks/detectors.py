"""Detectors of transformers with and without our kernels: the same random weights and pixels, in turn, in one run.

    python benchmarks/detectors.py --threads 2 --frames 5 > benchmarks/detectors.md

Each family has the size of its default config, which is that of its paper's main model. Prints Markdown.
`--registry` prints `cpu_seconds` of weights/manifest.json instead, for the models whose config is known here; random
weights take the same time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import torch
import transformers as hf
from torch import Tensor, nn

from vidtrack.model import registry
from vidtrack.model.checkpoint import load_deformable_detr
from vidtrack.model.compiled_attention import use_compiled_attention
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.fold import fold_batch_norm, fuse_activations
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


@dataclass(frozen=True)
class Seconds:
    """One frame: wall and processor time of the network, and processor time of its deformable attentions."""

    wall: float
    processor: float
    attention: float


class Watch:
    """Adds up the processor time inside modules."""

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        self.seconds = 0.0
        for module in modules:
            module.register_forward_pre_hook(self._begin)
            module.register_forward_hook(self._end)

    def _begin(self, *_: object) -> None:
        self.seconds -= time.process_time()

    def _end(self, *_: object) -> None:
        self.seconds += time.process_time()


def timed(model: Callable[..., Any], inputs: dict[str, Tensor], watch: Watch) -> tuple[Answer, Seconds]:
    """The answer of one frame, and how long it took."""
    watch.seconds = 0.0
    wall, processor = time.perf_counter(), time.process_time()
    output = model(**inputs)
    seconds = Seconds(time.perf_counter() - wall, time.process_time() - processor, watch.seconds)
    return (output.logits, output.pred_boxes), seconds


@torch.inference_mode()
def compare(family: str, frames: int) -> str:
    """A row of the table."""
    model, inputs = network(family)
    count = use_compiled_attention(model)
    ours = {module: module.forward for module in model.modules() if "forward" in vars(module)}
    watch = Watch(list(ours))
    plain_rows, our_rows, off = [], [], 0.0
    for number in range(frames + 1):  # one model, so that both use the same memory
        for module in ours:
            del module.forward
        theirs, plain = timed(model, inputs, watch)
        for module, forward in ours.items():
            module.forward = forward
        answer, mine = timed(model, inputs, watch)
        off = max(off, *(float((a.clamp(-99) - b.clamp(-99)).abs().max()) for a, b in zip(theirs, answer, strict=True)))
        if number:  # the first frame warms up
            plain_rows.append(plain)
            our_rows.append(mine)

    def ratio(name: str, of: Callable[[list[float]], float] = median) -> str:
        before, after = (of([getattr(row, name) for row in rows]) for rows in (plain_rows, our_rows))
        return f"{before / after:.2f}"

    height, width = BY_CLASS[family][2]
    plain_wall, our_wall = (min(row.wall for row in rows) for rows in (plain_rows, our_rows))
    ratios = [ratio("wall", min), ratio("wall"), ratio("processor", min), ratio("attention")]
    share = median(row.attention for row in our_rows) / median(row.processor for row in our_rows)
    cells = [family, f"{width}x{height}", str(count), f"{plain_wall:.2f}", f"{our_wall:.2f}", *ratios]
    return f"| {' | '.join([*cells, f'{100 * share:.1f} %', f'{off:.0e}'])} |"


@torch.inference_mode()
def registry_seconds(frames: int) -> None:
    """Print the processor seconds of a 1280x720 frame on one core, in float32, for each model that can be built."""
    image = np.random.default_rng(0).integers(0, 256, (720, 1280, 3), dtype=np.uint8)
    for entry in registry.entries():
        if entry.recipe is not None:  # our own
            detector = load_deformable_detr(entry.name, "cpu", "float32")
        elif entry.config is not None:
            detector = DeformableDETR(entry.config).eval()
            fold_batch_norm(detector)
            fuse_activations(detector.backbone)
            detector.backbone.to(memory_format=torch.channels_last)
        else:
            continue
        prepare, seconds = detector.preprocessor(), []
        for _ in range(frames + 1):
            started = time.process_time()
            detector.predict(detector.encode(*prepare([image])))
            seconds.append(time.process_time() - started)
        print(f"{entry.name}: {median(seconds[1:]):.2g}", flush=True)


def main() -> None:
    """Measure family by family and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("families", nargs="*", default=[], help=f"default: all of {', '.join(BY_CLASS)}")
    parser.add_argument("--frames", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--registry", action="store_true", help="measure the models of `vidtrack weights list`")
    arguments = parser.parse_args()
    torch.set_num_threads(1 if arguments.registry else arguments.threads)
    if arguments.registry:
        registry_seconds(arguments.frames)
        return
    print("# Detectors of transformers with and without our kernels\n")
    print(f"CPU, {arguments.threads} threads, {arguments.frames} frames, plain and ours in turn;")
    print(f"torch {torch.__version__}, transformers {hf.__version__}, kernels: {build_info().get('cpu')}.\n")
    titles = ("plain, s", "ours, s", "times faster, best", "median", "processor time, best", "attentions alone")
    print(f"| family | pixels | attentions | {' | '.join(titles)} | their share, ours | largest difference |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for family in arguments.families or BY_CLASS:
        print(compare(family, arguments.frames), flush=True)


if __name__ == "__main__":
    main()
