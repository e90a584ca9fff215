from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from vidtrack.training.loop import train
from vidtrack.training.recipe import TrainConfig


def test_curves_go_to_tensorboard_where_it_is_installed(
    recipe: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[tuple[str, int]] = []

    class SummaryWriter:
        def __init__(self, folder: str) -> None:
            assert folder == str(tmp_path / "run/tensorboard")

        def add_scalar(self, name: str, value: float, step: int) -> None:
            written.append((name, step))

        def close(self) -> None:
            written.append(("closed", 0))

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", SimpleNamespace(SummaryWriter=SummaryWriter))
    train(recipe, tmp_path / "run", max_minutes=0.0)
    assert {("loss/total", 1), ("loss/objects.giou", 1), ("lr", 1)} <= set(written)
    assert written[-1] == ("closed", 0)
