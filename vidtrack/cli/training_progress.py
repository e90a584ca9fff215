"""Training progress on stderr, and the next command at the end."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vidtrack.cli.summary import clock
from vidtrack.core.errors import printable
from vidtrack.core.wording import plural


class TrainingProgress:
    """A progress bar on stderr that also prints each metrics line; silent with `quiet`."""

    def __init__(self, steps: int, quiet: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self.steps = steps
        self.console = Console(stderr=True, quiet=quiet)
        self.bar = Progress(TextColumn("training"), BarColumn(), MofNCompleteColumn(), console=self.console)
        self.task = self.bar.add_task("training", total=steps)

    def __enter__(self) -> TrainingProgress:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def __call__(self, line: dict[str, Any]) -> None:
        """Show one metrics line."""
        step = line["step"]
        self.bar.update(self.task, completed=step)
        text = f"step {step} of {self.steps}  "
        if "losses" in line:
            left = clock((self.steps - step) * line["seconds"] / step)
            text += f"loss {line['losses']['total']:.2f}  {line['images_per_second']:.1f} images/s  {left} left"
        else:
            scores = ", ".join(f"{name} {found['ap50']:.3f}" for name, found in line["evaluation"].items())
            text += f"validation AP50 {scores}"
        self.console.print(printable(text), markup=False, highlight=False, soft_wrap=True)


def closing_lines(recipe: Path, out: Path, step: int, steps: int, chosen: Mapping[str, object] = {}) -> list[str]:
    """How a run ended, on validation images beside its start, and the command that comes next.

    `chosen` are options that changed the recipe, None if not given; a resumed run needs them again.
    """
    from vidtrack.training.metrics import mean_ap50, read_metrics

    if step < steps:
        options = [f"{name} {shlex.quote(str(value))}" for name, value in chosen.items() if value is not None]
        again = f"vidtrack train {shlex.quote(str(recipe))} --out {shlex.quote(str(out))}"
        return [f"stopped at step {step} of {steps}", f"next: {' '.join([again, *options, '--resume'])}"]
    ended, warnings = f"done: {plural(steps, 'step')}", []
    scores = mean_ap50(read_metrics(out / "metrics.jsonl"))
    if step in scores:
        ended += f", validation AP50 {scores[step]:.3f}"
    if step in scores and 0 in scores:
        ended += f", {scores[0]:.3f} before training"
        if scores[step] <= scores[0]:
            warnings = ["warning: no better than before training; try more --steps, or a lower optim.lr"]
    weights = shlex.quote(str(out / "model.safetensors"))
    return [ended, *warnings, f"next: vidtrack detect CLIP --model {weights}"]
