"""What tests share: a tiny model with random weights that still reports tracks, and the command line in process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before PyTorch: threads for tiny networks wait more than they work

import av
import pytest
import torch

from vidtrack.model.checkpoint import load_model, save_checkpoint
from vidtrack.model.config import DetectorConfig
from vidtrack.model.detector import DeformableDETR
from vidtrack.video.source import ContainerSource

TINY = DetectorConfig(
    backbone="mobilenet_v2",
    feature_levels=2,
    num_levels=2,
    hidden_dim=32,
    heads=4,
    points=2,
    encoder_layers=1,
    decoder_layers=2,
    feedforward_dim=32,
    num_queries=12,
    num_classes=4,
    box_refine=True,
    two_stage=True,
    mixed_query_selection=True,
    classes=("person", "car", "bicycle", "traffic light"),
    size=64,
    max_size=160,
)


def pytest_configure() -> None:
    """Hear Ctrl-C even where the shell that began this told its children not to, as for a job in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network of the real kind whose scores lie around one half, so that it finds objects in anything."""
    torch.manual_seed(0)
    model = DeformableDETR(TINY)
    for head in model.class_embed:
        torch.nn.init.normal_(head.bias, 0.5, 0.1)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_checkpoint(model, path)
    return path


@pytest.fixture(scope="session")
def tiny_model(tiny_checkpoint: Path) -> DeformableDETR:
    return load_model(tiny_checkpoint, "cpu")


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Damage is told and concealed alike in every run, as it is not by several threads."""
    opened = ContainerSource._open

    def open_for_one(self: ContainerSource, hwaccel: str | None) -> av.container.InputContainer:
        container = opened(self, hwaccel)
        self._stream.thread_type, self._stream.codec_context.thread_count = "NONE", 1
        return container

    monkeypatch.setattr(ContainerSource, "_open", open_for_one)


class Ended(NamedTuple):
    """How a command line ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def vidtrack(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run a command line in this process: `vidtrack("probe", path)`."""
    from vidtrack.cli.app import main

    def run(*arguments: object) -> Ended:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Ended(code, *capsys.readouterr())

    return run
