"""Our detector beside the transformers package's: the same weights and frames, in turn, in one run.

    python benchmarks/detector.py examples/bikes.mp4 --weights deformable-detr --frames 8 --threads 2

Without --weights the network has random weights, which take the same time. Prints Markdown.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import cv2
import torch
import transformers
from torch import Tensor

from vidtrack.model.checkpoint import build, load_deformable_detr, load_weights
from vidtrack.model.checkpoint_export import write_hugging_face
from vidtrack.model.config import DetectorConfig
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.preprocess import to_batch
from vidtrack.ops import build_info
from vidtrack.video import ReadConfig, VideoReader

HEIGHT, WIDTH = 480, 800

Answer = tuple[Tensor, Tensor]  # logits (Q, K), boxes (Q, 4)


def frames(clip: Path, count: int) -> list[Tensor]:
    """Normalised pixels (1, 3, HEIGHT, WIDTH) of `count` frames spread over the clip."""
    with VideoReader(clip, ReadConfig(stride=10)) as reader:
        images = [frame.image for frame, _ in zip(reader, range(count), strict=False)]
    resized = [cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) for image in images]
    return [to_batch([image], HEIGHT, WIDTH)[0] for image in resized]


def network(weights: str | None) -> DeformableDETR:
    """The published multi-scale network, unfolded."""
    if weights is not None:
        return build(load_weights(weights))
    torch.manual_seed(0)
    model = DeformableDETR(DetectorConfig())
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "backbone" not in name:  # away from the constant offsets and boxes of a fresh network
                parameter.add_(torch.randn_like(parameter) * 0.03)
    return model


def timed(model: Callable[[Tensor], Answer], pixels: Tensor) -> tuple[Answer, float, float]:
    """Answer, wall seconds and processor seconds of one frame."""
    wall, processor = time.perf_counter(), time.process_time()
    answer = model(pixels)
    return answer, time.perf_counter() - wall, time.process_time() - processor


def main() -> None:
    """Measure frame by frame, ours and theirs in turn, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--weights", help="name or path of a ResNet-50 checkpoint")
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    with tempfile.TemporaryDirectory() as folder:
        write_hugging_face(network(args.weights), folder)
        ours = load_deformable_detr(folder, "cpu", "float32")
        theirs = transformers.DeformableDetrForObjectDetection.from_pretrained(folder).eval()

    def run_ours(pixels: Tensor) -> Answer:
        output = ours(pixels)
        return output.logits[-1, 0], output.boxes[-1, 0]

    def run_theirs(pixels: Tensor) -> Answer:
        output = theirs(pixel_values=pixels)
        return output.logits[0], output.pred_boxes[0]

    batches = frames(args.clip, args.frames)
    measured: dict[str, list[tuple[float, float]]] = {"vidtrack": [], "transformers": []}
    differences = [0.0, 0.0]
    with torch.inference_mode():
        run_ours(batches[0]), run_theirs(batches[0])
        for pixels in batches:
            answers = []
            for name, model in (("vidtrack", run_ours), ("transformers", run_theirs)):
                answer, *seconds = timed(model, pixels)
                answers.append(answer)
                measured[name].append((seconds[0], seconds[1]))
            for index, (mine, other) in enumerate(zip(*answers, strict=True)):
                differences[index] = max(differences[index], float((mine - other).abs().max()))

    print(f"{WIDTH}x{HEIGHT}, {len(batches)} frames of {args.clip.name}, {args.threads} threads, {processor_name()};")
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, compiled sampler: ", end="")
    print(f"{build_info()['compiled']}; largest difference: logits {differences[0]:.1e}, boxes {differences[1]:.1e}\n")
    print("| network | wall s/frame, best | median | processor s/frame, best | median |")
    print("|---|---|---|---|---|")
    rows = {
        name: [f(column) for column in zip(*values, strict=True) for f in (min, median)]
        for name, values in measured.items()
    }
    for name, row in rows.items():
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in row)} |")
    ratios = [other / mine for mine, other in zip(rows["vidtrack"], rows["transformers"], strict=True)]
    print(f"| times faster | {' | '.join(f'{value:.2f}' for value in ratios)} |")


def processor_name() -> str:
    """Model name of the CPU where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


if __name__ == "__main__":
    main()
