"""Commands ended by a signal at any moment: running them again does the rest, and the outputs are as if never ended."""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.faults.forkserver import Ending, ForkServer, Kill
from tests.faults.targets import Material
from tests.media import Clip, write_clip
from tests.networks import TINY
from tests.render.scenes import write_log
from tests.training.conftest import CLASSES, write_coco
from vidtrack.datasets.records import SetConfig
from vidtrack.tracklog.validation import validate
from vidtrack.training.recipe import AugmentConfig, DataConfig, TrainConfig
from vidtrack.training.recipe_template import write_recipe
from vidtrack.video import VideoReader

FRAMES = 40
KILLS = int(os.environ.get("VIDTRACK_KILLS", "300"))
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
_ENDED = {0, 130, *(-number for number in SIGNALS)}  # Python itself may die of a signal before any code of ours runs


class Command:
    """A command line over a folder of its own, which may be run again and again."""

    def __init__(self, server: ForkServer, folder: Path, arguments: Sequence[str]) -> None:
        self._server, self.folder, self._arguments = server, folder, arguments
        folder.mkdir(parents=True)

    def run(self, kill: Kill | None = None) -> Ending:
        ending = self._server.run("command", self._arguments, self.folder, [self.folder], kill)
        assert "Traceback" not in ending.err, ending.err
        assert not ending.breaches
        return ending

    def kill_and_finish(self, rng: random.Random, kills: int, seconds: float) -> None:
        for _ in range(kills):
            ending = self.run(Kill(rng.uniform(0, seconds), signal=rng.choice(SIGNALS)))
            assert ending.code in _ENDED | {2}, ending.err  # 2: all was done before the signal
        ending = self.run()
        assert ending.code == 0 or "exist" in ending.err or "complete" in ending.err, ending.err


def log_lines(log: Path) -> list[dict[str, Any]]:
    """Of a whole log, without what the clock says."""
    assert validate(log).faults == ()
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    for name in ("created", "seconds", "fps"):
        lines[0].pop(name, None), lines[-1].pop(name, None)
    return [line for line in lines if line.get("kind") != "resume"]


def frames_of(video: Path) -> int:
    with VideoReader(video) as reader:
        return len(list(reader))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", Clip(frames=FRAMES, size=(64, 48), audio="aac"))


def detect(server: ForkServer, made: Material, clip: Path, place: Path, kills: int) -> None:
    """`detect --resume`: the log is that of a run that nothing happened to."""
    arguments = ("detect", str(clip), "--model", str(made.model), "--score", "0.3", "--resume", "--progress", "none")
    commands = [
        Command(server, place / name, (*arguments, "-o", f"{place}/{name}/out/")) for name in ("whole", "killed")
    ]
    commands[1].kill_and_finish(random.Random(f"{place.name} {kills}"), kills, commands[0].run().seconds)
    whole, killed = (command.folder / "out" for command in commands)
    assert {path.name for path in killed.iterdir()} == {"clip.tracks.jsonl", "clip.tracked.mp4"}
    assert frames_of(killed / "clip.tracked.mp4") == FRAMES
    assert log_lines(killed / "clip.tracks.jsonl") == log_lines(whole / "clip.tracks.jsonl")


def render(server: ForkServer, made: Material, clip: Path, place: Path, kills: int) -> None:
    """`render`: there is the whole video or none, and nothing else."""
    out = place / "killed/out.mp4"
    place.mkdir(parents=True)
    boxes = {1: {frame: (10, 8, 30, 40) for frame in range(FRAMES)}}
    log = write_log(place / "clip.tracks.jsonl", clip, boxes, range(FRAMES))
    arguments = ("render", str(log), str(clip), "--blur", "--overwrite", "-o")
    whole = Command(server, place / "whole", (*arguments, f"{place}/whole/out.mp4"))
    seconds = whole.run().seconds
    assert frames_of(place / "whole/out.mp4") == FRAMES
    command, rng = Command(server, out.parent, (*arguments, str(out))), random.Random(f"{place.name} {kills}")
    for _ in range(kills):
        ending = command.run(Kill(rng.uniform(0, seconds), signal=rng.choice(SIGNALS)))
        assert ending.code in _ENDED, ending.err
        assert not out.exists() or frames_of(out) == FRAMES
    assert command.run().code == 0
    assert [path.name for path in out.parent.iterdir()] == ["out.mp4"]
    assert frames_of(out) == FRAMES


def train(server: ForkServer, made: Material, clip: Path, place: Path, kills: int) -> None:
    """`train --resume`: the weights are those of a run that nothing happened to."""
    place.mkdir(parents=True)
    sets = (SetConfig("shapes", str(write_coco(place / "images"))),)
    config = TrainConfig(
        model=msgspec.structs.replace(TINY, num_classes=len(CLASSES), classes=CLASSES),
        data=DataConfig(train=sets, validation=sets),
        augment=AugmentConfig(canvases=((64, 96),)),
        steps=6,
        batch=2,
        evaluate_steps=2,
        log_steps=1,
    )
    write_recipe(config, place / "recipe.json")
    commands = [
        Command(server, place / name, ("train", f"{place}/recipe.json", "--out", f"{place}/{name}/run", "--resume"))
        for name in ("whole", "killed")
    ]
    commands[1].kill_and_finish(random.Random(f"{place.name} {kills}"), kills, commands[0].run().seconds)
    whole, killed = (command.folder / "run" for command in commands)
    assert (killed / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert not list(killed.rglob("*.partial"))


COMMANDS = (detect, render, train)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_a_command_ended_a_few_times(
    server: ForkServer, made: Material, clip: Path, tmp_path: Path, command: Any
) -> None:
    command(server, made, clip, tmp_path / "runs", 2)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_a_command_ended_many_times(
    server: ForkServer, made: Material, clip: Path, tmp_path: Path, command: Any
) -> None:
    for seed, kills in enumerate([3, 5, 7, 9] * (KILLS // 72)):
        command(server, made, clip, tmp_path / f"runs{seed}", kills)
