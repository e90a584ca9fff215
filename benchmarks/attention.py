"""Deformable against dense attention: the same small network trained twice on the same images, and what each costs.

    export VIDTRACK_SHARED=...            # the recipe's data
    python benchmarks/attention.py weights/recipes/small.json --device cuda --minutes 1 --batch 32 --out attention.json
    python benchmarks/attention.py --plot attention.json --out docs/attention.svg

Both networks start from the backbone of the recipe's `init` and otherwise fresh, from one seed, and take turns on each
batch. `--steps` trains both for the same steps, `--minutes` both for the same time of forward, losses, backward and
update; the learning rate follows the share that is done. Sets of video frames are left out, and so are pairs of frames.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from attention_cost import measure_costs
from dense_attention import with_dense_attention
from torch import Tensor

from vidtrack import ops
from vidtrack.datasets.records import Record, load_sets
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.image_inference import best_rows, read_image
from vidtrack.training.batches import Batch, BatchMaker, prefetch
from vidtrack.training.criterion import Objective
from vidtrack.training.evaluate import score
from vidtrack.training.initial import initialise
from vidtrack.training.optimiser import make_optimiser, set_backbone, set_rate, update_average
from vidtrack.training.recipe import TrainConfig, load_config
from vidtrack.training.sampling import draw_weights

UNBOUNDED = 10**6  # steps of a run that only time ends; also the resolution of its share done
WARMUP = 0.03  # share of the training, at least: most weights begin fresh


@dataclass(frozen=True)
class Budget:
    """When a variant has been trained enough; one of the two is set."""

    steps: int | None
    seconds: float | None

    def share(self, step: int, seconds: float) -> float:
        """Share of the training done."""
        return seconds / self.seconds if self.seconds else step / (self.steps or 1)


@dataclass
class Checkpoint:
    """What a variant had learned at a step; `rows` are its detections on every validation image."""

    step: int
    seconds: float
    loss: float
    rows: list[np.ndarray]


@dataclass
class Variant:
    """One network in training."""

    name: str
    model: DeformableDETR
    config: TrainConfig
    step: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    peak_bytes: int = 0

    def __post_init__(self) -> None:
        self.model.train()
        self.optimiser = make_optimiser(self.model, self.config.optim)
        self.objective = Objective(self.config.loss, self.config.tracks)
        self.average = copy.deepcopy(self.model).eval().requires_grad_(False)

    def train(self, batch: Batch, share: float) -> None:
        """One step of the recipe's optimiser, timed."""
        device, optim = self.model.device, self.config.optim
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        began = _now(device)
        set_rate(self.optimiser, round(share * UNBOUNDED), UNBOUNDED, optim)
        set_backbone(self.model, optim.backbone_factor > 0 and share >= optim.backbone_from, optim.backbone_frozen)
        self.optimiser.zero_grad(set_to_none=True)
        num_boxes = max(1.0, float(sum(len(target.labels) for target in batch.targets)))
        torch.manual_seed(batch.seed)
        with torch.autocast(device.type, torch.bfloat16, enabled=optim.precision == "bfloat16"):
            losses = self.objective(self.model, batch, num_boxes)
        total = torch.stack(list(losses.values())).sum()
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), optim.clip or math.inf)
        self.optimiser.step()
        update_average(self.average.state_dict(), self.model, optim.ema, self.step)
        self.losses.append(float(total.detach()))
        self.seconds += _now(device) - began
        self.step += 1
        if device.type == "cuda":
            self.peak_bytes = max(self.peak_bytes, torch.cuda.max_memory_allocated())

    def check(self, validation: Validation) -> None:
        """Detect on the validation images with the averaged weights, and begin a new mean of the loss."""
        loss = float(np.mean(self.losses)) if self.losses else math.nan
        self.losses.clear()
        self.checkpoints.append(Checkpoint(self.step, self.seconds, loss, validation.detect(self.average)))
        print(f"{self.name}: step {self.step}, {self.seconds:.1f} s, loss {loss:.3f}", flush=True)


class Validation:
    """Images of one set, resized once and kept on the device."""

    def __init__(self, records: list[Record], model: DeformableDETR, batch: int) -> None:
        self.records = sorted(records, key=lambda record: record.size[0] / record.size[1])
        prepare = model.preprocessor()
        self.batches = [
            (part, *prepare([read_image(record) for record in part]))
            for part in (self.records[start : start + batch] for start in range(0, len(records), batch))
        ]

    def detect(self, model: DeformableDETR) -> list[np.ndarray]:
        """For each record rows (N, 6), as `detect_images` gives them."""
        rows = []
        for part, pixels, padding in self.batches:
            with torch.no_grad(), torch.autocast(model.device.type, torch.bfloat16, enabled=pixels.is_cuda):
                found = model.predict(model.encode(pixels, padding))
            rows += best_rows(*found, [record.size for record in part])
        return rows


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def build(config: TrainConfig, device: str, seed: int) -> dict[str, DeformableDETR]:
    """Both networks: the backbone of `init`, everything else fresh and, if both have it, equal."""
    torch.manual_seed(seed)
    deformable = DeformableDETR(config.model)
    if config.init:
        donor = DeformableDETR(config.model)
        initialise(donor, config.init)
        deformable.backbone.load_state_dict(donor.backbone.state_dict())
    models = {"deformable": deformable, "dense": with_dense_attention(deformable, seed)}
    for model in models.values():
        model.to(device)
        model.backbone.to(memory_format=torch.channels_last)
    return models


def train(variants: list[Variant], maker: BatchMaker, budget: Budget, checks: int, validation: Validation) -> None:
    """Turn by turn on the same batches until every variant has used its budget."""
    config = variants[0].config
    batches = prefetch(maker, 0, budget.steps or UNBOUNDED, config.workers or os.cpu_count() or 1)
    for _, batch in batches:
        running = False
        for variant in variants:
            share = budget.share(variant.step, variant.seconds)
            if share >= 1:
                continue
            variant.train(batch, share)
            share = min(1.0, budget.share(variant.step, variant.seconds))
            if share * checks >= len(variant.checkpoints) + 1 - 1e-9:
                variant.check(validation)
            running |= share < 1
        if not running:
            break
    batches.close()


def scores(records: list[Record], rows: list[np.ndarray], classes: tuple[str, ...]) -> dict[str, Any]:
    """Mean over the classes, and the class person, with COCO's names of the shares."""
    found = score(records, rows, classes, by_size=True)
    people = [one for one in found.classes if one.name == "person"]
    return {"mean": found.means(), "person": replace(found, classes=tuple(people)).means() if people else None}


def curve(variant: Variant, validation: Validation, pool: ProcessPoolExecutor, batch: int) -> list[dict[str, Any]]:
    """One line a checkpoint."""
    classes = variant.config.model.classes
    jobs = [pool.submit(scores, validation.records, one.rows, classes) for one in variant.checkpoints]
    return [
        {"step": one.step, "images": one.step * batch, "seconds": one.seconds, "loss": one.loss, **job.result()}
        for one, job in zip(variant.checkpoints, jobs, strict=True)
    ]


def for_stills(config: TrainConfig, batch: int | None, seed: int | None) -> TrainConfig:
    """The recipe without video frames and pairs, and with what the command line changes."""
    data = config.data
    stills = {part: tuple(one for one in getattr(data, part) if one.kind == "coco") for part in ("train", "validation")}
    return msgspec.structs.replace(
        config,
        data=msgspec.structs.replace(data, **stills),
        tracks=msgspec.structs.replace(config.tracks, share=0.0),
        augment=msgspec.structs.replace(config.augment, grow_from=1.0),
        optim=msgspec.structs.replace(config.optim, warmup=max(WARMUP, config.optim.warmup)),
        batch=batch or config.batch,
        seed=config.seed if seed is None else seed,
    )


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train, score and measure."""
    config = for_stills(load_config(arguments.recipe), arguments.batch, arguments.seed)
    if arguments.workers:
        config = msgspec.structs.replace(config, workers=arguments.workers)
    budget = Budget(arguments.steps, None if arguments.steps else arguments.minutes * 60)
    models = build(config, arguments.device, config.seed)
    chosen = next(one for one in config.data.validation if arguments.validation in ("", one.name))
    classes, cache = config.model.classes, config.data.frame_cache
    sets = load_sets(config.data.train, classes, cache)
    records = load_sets([chosen], classes, cache)[0]
    records = records[:: max(1, -(-len(records) // arguments.images))] if arguments.images else records
    validation = Validation(records, models["deformable"], config.batch)
    result: dict[str, Any] = {
        "device": torch.cuda.get_device_name() if arguments.device == "cuda" else "cpu",
        "compiled": ops.is_compiled(arguments.device),
        "torch": torch.__version__,
        "precision": config.optim.precision,
        "recipe": arguments.recipe.name,
        "seed": config.seed,
        "batch": config.batch,
        "train_images": sum(map(len, sets)),
        "validation": chosen.name,
        "validation_images": len(records),
        "costs": [] if arguments.no_costs else measure_costs(models, arguments.sizes, config.optim.precision),
    }
    variants = [Variant(name, model, config) for name, model in models.items()]
    maker = BatchMaker(
        [record for part in sets for record in part],
        draw_weights(sets, config.data.train, config.data),
        config.batch,
        config.augment,
        config.tracks,
        budget.steps or UNBOUNDED,
        config.seed,
    )
    train(variants, maker, budget, arguments.checks, validation)
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        result["variants"] = {
            variant.name: {
                "parameters": sum(map(Tensor.numel, variant.model.parameters())),
                "peak_bytes": variant.peak_bytes or None,
                "curve": curve(variant, validation, pool, config.batch),
            }
            for variant in variants
        }
    return result


def main() -> None:
    """Parse, then train or plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path, nargs="?")
    parser.add_argument("--plot", type=Path, help="results to draw; nothing is trained")
    parser.add_argument("--out", type=Path, required=True)
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--steps", type=int, help="of each variant")
    amount.add_argument("--minutes", type=float, default=1.0, help="of each variant")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--workers", type=int, help="threads that make batches")
    parser.add_argument("--checks", type=int, default=8, help="evaluations of each variant")
    parser.add_argument("--validation", default="", help="name of the validation set; the recipe's first by default")
    parser.add_argument("--images", type=int, default=0, help="validation images at most")
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 384, 512, 640, 768, 896, 1024])
    parser.add_argument("--no-costs", action="store_true")
    arguments = parser.parse_args()
    if arguments.plot:
        from attention_plot import draw

        draw(json.loads(arguments.plot.read_text()), arguments.out)
        return
    if arguments.recipe is None:
        parser.error("give a recipe, or --plot RESULTS")
    arguments.out.write_text(json.dumps(run(arguments), indent=1))


if __name__ == "__main__":
    main()
