"""Runs that are stopped, and what they saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vidtrack.training.loop import Run
from vidtrack.training.recipe import TrainConfig


def stop_after(config: TrainConfig, out: Path, steps: int, resume: bool = False) -> None:
    """Run until a step, as a signal or the time limit would end it."""
    run: list[Run] = []

    def report(line: dict[str, Any]) -> None:
        if line["step"] == steps:
            run[0].stop.set()

    run.append(Run(config, out, resume, report))
    run[0].steps(float("inf"))
    run[0].close()


def assert_same_state(a: Path, b: Path) -> None:
    # never `assert` on the bytes themselves: pytest would spend hours on explaining how megabytes differ
    names = {path.name for path in (a / "state").glob("step-*/*")}
    assert {path.name for path in (b / "state").glob("step-*/*")} == names
    for name in names - {"progress.json"}:
        first, second = (next((folder / "state").glob(f"step-*/{name}")).read_bytes() for folder in (a, b))
        same = first == second
        assert same, name
