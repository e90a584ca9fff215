"""Training state: all that a run needs to continue exactly where it stopped, in files of bounded size."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from vidtrack.core.atomic_files import partial_folder, write_whole
from vidtrack.core.errors import OutputError, WeightsError

SHARD_BYTES = 14 * 2**20  # small enough for stores that limit the size of a file


@dataclass
class Progress:
    """Progress of a run: optimiser steps done and seconds trained."""

    step: int = 0
    seconds: float = 0.0


def save_state(
    folder: Path,
    model: nn.Module,
    average: dict[str, Tensor] | None,
    optimiser: torch.optim.Optimizer,
    progress: Progress,
    recipe: dict[str, Any],
) -> None:
    """Write `folder`/step-N, then point `folder`/latest.json to it and remove older steps.

    No random state is saved: each step seeds its own draws with its number. `recipe` identifies the run, for
    `read_recipe`. Raises OutputError.
    """
    target = folder / f"step-{progress.step:07d}"
    state = optimiser.state_dict()
    tensors = {f"{index}.{key}": value for index, values in state["state"].items() for key, value in values.items()}
    try:
        with partial_folder(target) as partial:
            _save_shards(partial, "weights", model.state_dict())
            _save_shards(partial, "optimiser", tensors)
            if average is not None:
                _save_shards(partial, "average", average)
            (partial / "progress.json").write_text(json.dumps({**asdict(progress), "recipe": recipe}))
            shutil.rmtree(target, ignore_errors=True)
            partial.replace(target)
        write_whole(folder / "latest.json", json.dumps({"state": target.name}))
    except (OutputError, SafetensorError) as error:
        raise OutputError(
            f"the state of the run cannot be saved in {folder}: {error}", "the previous state is kept"
        ) from None
    for old in folder.glob("step-*"):
        if old != target:
            shutil.rmtree(old, ignore_errors=True)


def load_state(
    folder: Path, model: nn.Module, average: dict[str, Tensor] | None, optimiser: torch.optim.Optimizer
) -> Progress:
    """Restore in place what `save_state` wrote; returns the progress. Raises WeightsError."""
    source, values = _read_latest(folder)
    try:
        progress = Progress(values["step"], values["seconds"])
        model.load_state_dict(_load_shards(source, "weights"))
        if average is not None:
            for name, value in _load_shards(source, "average").items():
                average[name].copy_(value)
        per_parameter: dict[int, dict[str, Tensor]] = {}
        for key, value in _load_shards(source, "optimiser").items():
            index, name = key.split(".", 1)
            per_parameter.setdefault(int(index), {})[name] = value
        optimiser.load_state_dict({"state": per_parameter, "param_groups": optimiser.state_dict()["param_groups"]})
    except (OSError, RuntimeError, KeyError, ValueError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise WeightsError(
            f"the state in {source} does not fit this recipe: {reason[:200]}",
            "resume with the recipe the run began with",
        ) from None
    return progress


def read_recipe(folder: Path) -> dict[str, Any] | None:
    """The recipe that the state was saved with, None if an earlier vidtrack saved it; raises WeightsError."""
    return _read_latest(folder)[1].get("recipe")


def _read_latest(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The folder of the last state, and its progress.json."""
    try:
        source = folder / json.loads((folder / "latest.json").read_text())["state"]
        return source, dict(json.loads((source / "progress.json").read_text()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"no run to resume in {folder.parent}: {error}", "start it without --resume") from None


def has_state(folder: Path) -> bool:
    """Whether there is a run to resume."""
    return (folder / "latest.json").exists()


def _save_shards(folder: Path, stem: str, tensors: dict[str, Tensor]) -> None:
    shards: list[dict[str, Any]] = [{}]
    size = 0
    for name, value in tensors.items():
        held = value.numel() * value.element_size()
        if size + held > SHARD_BYTES and shards[-1]:
            shards.append({})
            size = 0
        shards[-1][name] = value.detach().cpu().contiguous().clone()
        size += held
    for index, shard in enumerate(shards):
        save_file(shard, folder / f"{stem}-{index:03d}.safetensors")


def _load_shards(folder: Path, stem: str) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for path in sorted(folder.glob(f"{stem}-*.safetensors")):
        tensors |= load_file(path)
    return tensors
