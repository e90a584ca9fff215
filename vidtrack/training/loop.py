"""The training loop: steps, weight averaging, checkpoints, evaluation and a time limit."""

from __future__ import annotations

import importlib.util
import json
import logging
import math
import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from vidtrack import ops
from vidtrack.core.atomic_files import write_whole
from vidtrack.core.errors import DataError, UsageError
from vidtrack.datasets.records import Record, load_sets
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.device import device_errors
from vidtrack.training import distributed
from vidtrack.training.batches import Batch, BatchMaker, prefetch
from vidtrack.training.criterion import Objective
from vidtrack.training.initial import initialise
from vidtrack.training.metrics import MetricsLog
from vidtrack.training.optimiser import make_optimiser, set_backbone, set_rate, update_average
from vidtrack.training.recipe import TrainConfig, changed_fields, config_from_dict
from vidtrack.training.sampling import draw_weights
from vidtrack.training.state import Progress, has_state, load_state, read_recipe, save_state

Report = Callable[[dict[str, Any]], None]
_logger = logging.getLogger(__name__)


def train(
    config: TrainConfig,
    output: Path,
    resume: bool = False,
    max_minutes: float | None = None,
    report: Report | None = None,
) -> Progress:
    """Run a recipe to its last step, or until `max_minutes` from now are over; either way the state is saved.

    An evaluation that does not fit into the time is done when the run is resumed, before any step.

    Writes into `output`: config.json, metrics.jsonl, state/ (to resume), model.safetensors (the averaged weights
    as they are now). `report` is called with every metrics line. Raises UsageError if `output` already holds
    a run and `resume` is not given, or a run of another recipe, and ResourceError if memory runs out.
    """
    deadline = math.inf if max_minutes is None else time.monotonic() + max_minutes * 60
    device = distributed.device(config.device, distributed.join())
    with device_errors(device, "a smaller batch, with more optim.accumulate, or smaller augment.canvases"):
        run = Run(config, output, resume, report or (lambda line: None))
        try:
            run.steps(deadline)
        finally:
            run.close()
    return run.progress


class Run:
    """One training run in this process; with torchrun, one of several that share their gradients."""

    def __init__(self, config: TrainConfig, output: Path, resume: bool, report: Report) -> None:
        self.config, self.output = config, output
        self.world = distributed.join()
        begun = has_state(output / "state")
        if begun and not resume:
            raise UsageError(f"{output} already holds a training run", "add --resume, or choose another --out")
        if begun:
            self._check_recipe()
        if config.data.validation and importlib.util.find_spec("pycocotools") is None:  # not after hours of training
            raise UsageError("evaluation needs pycocotools", "pip install 'vidtrack[evaluation]', or drop validation")
        if self.world.rank == 0:
            write_whole(output / "config.json", json.dumps(config.to_dict(), indent=1))
        if config.threads:
            torch.set_num_threads(config.threads)
        self.device = distributed.device(config.device, self.world)
        ops.announce(self.device.type)
        torch.manual_seed(config.seed + self.world.rank)

        classes = config.model.classes
        cache = config.data.frame_cache
        sets = load_sets(config.data.train, classes, cache)
        validation = load_sets(config.data.validation, classes, cache)
        self.validation: dict[str, Sequence[Record]] = {
            item.name: records for item, records in zip(config.data.validation, validation, strict=True)
        }
        self.maker = BatchMaker(
            [record for part in sets for record in part],
            draw_weights(sets, config.data.train, config.data),
            config.batch,
            config.augment,
            config.tracks,
            config.steps * config.optim.accumulate,
            config.seed,
            self.world.rank,
        )

        self.model = DeformableDETR(config.model)
        if config.init and not begun:
            initialise(self.model, config.init)
        self.model.to(self.device).train()
        if self.device.type == "cpu":  # a fifth faster convolutions; on an H200 steps in bfloat16 took 25 times as long
            self.model.backbone.to(memory_format=torch.channels_last)
        self.average = None
        if config.optim.ema:
            self.average = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.optimiser = make_optimiser(self.model, config.optim)
        self.objective = Objective(config.loss, config.tracks)
        self.progress = Progress()
        if begun:
            self.progress = load_state(output / "state", self.model, self.average, self.optimiser)
        distributed.share_weights(self.model, self.world)
        self.metrics = MetricsLog(output, self.progress.step, report, quiet=self.world.rank > 0)
        self.stop, self.interrupted, self.deadline = threading.Event(), False, math.inf
        self._handlers: dict[signal.Signals, Any] = {}

    def _check_recipe(self) -> None:
        begun = read_recipe(self.output / "state")
        changed = {} if begun is None else changed_fields(config_from_dict(begun), self.config)
        if changed:
            were = [f"{name} (it was {value})" for name, value in changed.items()]
            more = f" and {len(were) - 4} more" if len(were) > 4 else ""
            raise UsageError(
                f"{self.output} was started with another recipe; it differs in {', '.join(were[:4])}{more}",
                f"restore it, or start a new run with --init {self.output / 'model.safetensors'}",
            )

    def steps(self, deadline: float) -> None:
        """Train until the last step, the deadline (monotonic seconds) or SIGTERM/SIGINT (then KeyboardInterrupt)."""
        config, optim = self.config, self.config.optim
        self.deadline = deadline
        self._watch_signals()
        if not self._evaluate_if_due():  # left over from the last run; False if there is too little time again
            if self.interrupted:
                raise KeyboardInterrupt
            return
        began = saved = time.monotonic()
        before = self.progress.seconds
        sums: dict[str, float] = {}
        counted, window = 0, time.monotonic()
        first, last = self.progress.step * optim.accumulate, config.steps * optim.accumulate
        batches = prefetch(self.maker, first, last, config.workers)
        for micro, batch in batches:
            step = micro // optim.accumulate
            if micro % optim.accumulate == 0:
                factor = set_rate(self.optimiser, step, config.steps, optim)
                learns = optim.backbone_factor > 0 and step >= optim.backbone_from * config.steps
                set_backbone(self.model, learns, optim.backbone_frozen)
                self.optimiser.zero_grad(set_to_none=True)
            losses = self._backward(batch)
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value
            counted += 1
            if (micro + 1) % optim.accumulate:
                continue
            norm = self._update(step)
            self.progress.step = step + 1
            now = time.monotonic()
            self.progress.seconds = before + now - began
            if (step + 1) % config.log_steps == 0:
                speed = counted * config.batch * self.world.size / (now - window)
                line = {name: value / counted for name, value in sums.items()}
                self.metrics.train(step + 1, line, factor * optim.lr, norm, speed, self.progress.seconds)
                sums, counted, window = {}, 0, time.monotonic()
            if step + 1 < config.steps:
                paused = time.monotonic()
                self._evaluate_if_due()
                window += time.monotonic() - paused
            over = self.world.any(self._is_over())
            if over or time.monotonic() - saved > config.checkpoint_minutes * 60:
                self.save()
                saved = time.monotonic()
            if over:
                batches.close()
                break
        else:
            self.save()  # before the full evaluation, which takes long
        if self.progress.step == config.steps:
            self._evaluate_if_due()
        self.metrics.plot()
        if self.interrupted:
            raise KeyboardInterrupt

    def _backward(self, batch: Batch) -> dict[str, float]:
        count = sum(len(target.labels) for target in batch.targets)
        num_boxes = max(1.0, self.world.mean(float(count), self.device))
        mixed = self.config.optim.precision == "bfloat16"
        # dropout too depends on seed, process and step alone: a resumed run continues identically
        torch.manual_seed(batch.seed)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=mixed):
            losses = self.objective(self.model, batch, num_boxes)
        total = torch.stack(list(losses.values())).sum()
        values = torch.stack([*losses.values(), total]).detach().tolist()
        if not math.isfinite(values[-1]):
            names = ", ".join(sorted({target.source for target in batch.targets})[:4])
            raise DataError(
                f"the loss is {values[-1]} at step {self.progress.step} on {names} ...",
                "check these images with `vidtrack data check`; if they are right, lower the learning rate",
            )
        (total / self.config.optim.accumulate).backward()
        return dict(zip([*losses, "total"], values, strict=True))

    def _update(self, step: int) -> float:
        optim = self.config.optim
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        distributed.mean_gradients(parameters, self.world)
        norm = torch.nn.utils.clip_grad_norm_(parameters, optim.clip if optim.clip else math.inf)
        self.optimiser.step()
        if self.average is not None:
            update_average(self.average, self.model, optim.ema, step)
        return float(norm)

    def _is_over(self) -> bool:
        return time.monotonic() >= self.deadline or self.stop.is_set()

    def _evaluate_if_due(self) -> bool:
        """Evaluate if the recipe asks for it at this step; False if time was too short.

        On all images after the last step and, to compare with, before the first if the run starts from trained weights.
        """
        step, every = self.progress.step, self.config.evaluate_steps
        last, start = step == self.config.steps, step == 0
        if not last and (not every or step % every or (start and not self.config.init)):
            return True
        done = self.evaluate(0 if last or start else self.config.evaluate_images)
        if not done and self.world.rank == 0:
            _logger.warning(
                "%s: --resume does the evaluation of step %d first, and needs the time for all of it",
                "interrupted" if self.interrupted else "time is up",
                step,
            )
        return done

    def evaluate(self, images: int) -> bool:
        """Score the averaged weights on the validation sets, on at most `images` of each (0: all).

        Not where the log has that already. It ends when time is up: False then, and it is due when the run is resumed.
        """
        from vidtrack.training.evaluate import evaluate_sets

        step, left = self.progress.step, False
        if self.validation and self.world.rank == 0 and not self.metrics.evaluated(step, self.validation, images):
            sets = {
                name: records[:: -(-len(records) // images)] if images and records else records
                for name, records in self.validation.items()
            }
            over = self._is_over()
            results = None if over else evaluate_sets(self.averaged_model(), sets, self.config.batch, self._is_over)
            left = results is None
            if results is not None:
                self.metrics.evaluation(step, results, images)
        return not self.world.any(left)

    def averaged_model(self) -> DeformableDETR:
        """A model with the averaged weights, or the trained model without averaging."""
        if self.average is None:
            return self.model
        model = DeformableDETR(self.config.model).to(self.device)
        model.load_state_dict(self.average)
        return model

    def save(self) -> None:
        """Write the state to resume from, and the weights to use."""
        if self.world.rank == 0:
            from vidtrack.model.checkpoint import save_checkpoint

            recipe = self.config.to_dict()
            save_state(self.output / "state", self.model, self.average, self.optimiser, self.progress, recipe)
            metadata = {"step": str(self.progress.step), "steps": str(self.config.steps)}
            save_checkpoint(self.averaged_model(), self.output / "model.safetensors", metadata, torch.float32)
        self.world.wait()

    def _watch_signals(self) -> None:
        """Stop at the next step on SIGTERM or SIGINT, so that the state is saved; a second one kills as usual."""
        if threading.current_thread() is not threading.main_thread():
            return

        def handle(number: int, frame: FrameType | None) -> None:
            self.interrupted = True
            self.stop.set()
            signal.signal(number, signal.SIG_DFL)

        for number in (signal.SIGTERM, signal.SIGINT):
            self._handlers[number] = signal.signal(number, handle)

    def close(self) -> None:
        """Close the metrics and restore the signal handlers."""
        self.metrics.close()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
