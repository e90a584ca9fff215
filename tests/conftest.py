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

from tests.networks import TINY
from vidtrack.model.checkpoint import load_deformable_detr, save_checkpoint
from vidtrack.model.detector import DeformableDETR
from vidtrack.video.source import ContainerSource


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
    return load_deformable_detr(tiny_checkpoint, "cpu", "float32")


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


def assert_one_line(ended: Ended, code: int, *said: str) -> None:
    """The command ended with `code`, one error line that contains what is `said`, and nothing on stdout."""
    assert ended.code == code, ended.err
    assert ended.out == ""
    lines = ended.err.splitlines()
    assert len(lines) == 1, ended.err
    assert lines[0].startswith("vidtrack: error: ")
    for part in said:
        assert part in lines[0]


@pytest.fixture
def vidtrack(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run a command line in this process: `vidtrack("probe", path)`."""
    from vidtrack.cli.app import main

    def run(*arguments: object) -> Ended:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Ended(code, *capsys.readouterr())

    return run
