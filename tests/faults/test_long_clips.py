"""A long clip that is killed on the way is resumed, and ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from tests.faults.forkserver import Ending, ForkServer, Kill
from tests.faults.mutate_bytes import damage_bytes
from tests.faults.targets import Material
from tests.media import Clip, write_clip
from vidtrack.tracklog.validation import validate
from vidtrack.video import VideoReader

FRAMES = 100  # two chunks are saved; some thirty frames wait for later ones and are not among them
KILLS = int(os.environ.get("VIDTRACK_KILLS", "300"))
FIRST_SEED = int(os.environ.get("VIDTRACK_FIRST_SEED", "100"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", Clip(frames=FRAMES, size=(64, 48), audio="aac"))


class Attempts:
    """Runs of one clip into one folder."""

    def __init__(self, server: ForkServer, made: Material, clip: Path, place: Path) -> None:
        self._server, self._model, self._clip = server, made.model, clip
        self.out = place / "out"
        self.out.mkdir(parents=True)

    def run(self, kill: Kill | None = None) -> Ending:
        arguments = (str(self._clip), str(self._model), str(self.out))
        ending = self._server.run("track_in_chunks", arguments, self.out, [self.out], kill)
        assert "Traceback" not in ending.err
        assert not ending.breaches
        return ending

    def lines(self) -> list[dict[str, Any]]:
        """Of the log, without what the clock says; the video is whole too, and nothing else is there."""
        log, video = self.out / "clip.tracks.jsonl", self.out / "clip.tracked.mp4"
        assert {path.name for path in self.out.iterdir()} == {log.name, video.name}
        assert validate(log).faults == ()
        with VideoReader(video) as reader:
            assert len(list(reader)) == FRAMES
            assert reader.info.has_audio
        lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
        for name in ("created", "seconds", "fps"):
            lines[0].pop(name, None), lines[-1].pop(name, None)
        return [line for line in lines if line.get("kind") != "resume"]


@pytest.fixture
def whole(server: ForkServer, made: Material, clip: Path, tmp_path: Path) -> tuple[list[dict[str, Any]], float]:
    """The log of a run that nothing happened to, and how long it took."""
    attempts = Attempts(server, made, clip, tmp_path / "whole")
    ending = attempts.run()
    assert ending.code == 0, ending.err
    return attempts.lines(), ending.seconds


def killed_and_taken_up(attempts: Attempts, seconds: float, kills: int, seed: int) -> int:
    """Kill it so often, anywhere or right after a chunk, then let it end; returns the frames that spared the end."""
    rng = random.Random(seed)
    for number in range(kills):
        kill = Kill(rng.uniform(0.3, 1) * seconds)
        if number % 2 == 0:
            kill = Kill(0, once=f"{attempts.out}/*.resume/state-00000[{1 + number // 2}-9]")
        ending = attempts.run(kill)
        if ending.code == 0:  # was faster
            return int(ending.out)
    ending = attempts.run()
    assert ending.code == 0, ending.err
    return int(ending.out)


def test_killed_a_few_times(
    server: ForkServer, made: Material, clip: Path, tmp_path: Path, whole: tuple[list[dict[str, Any]], float]
) -> None:
    spared = []
    for seed in range(2):
        attempts = Attempts(server, made, clip, tmp_path / str(seed))
        spared.append(killed_and_taken_up(attempts, whole[1], 3, seed))
        same = attempts.lines() == whole[0]
        assert same
    assert any(spared)


@pytest.mark.slow
def test_killed_hundreds_of_times(
    server: ForkServer, made: Material, clip: Path, tmp_path: Path, whole: tuple[list[dict[str, Any]], float]
) -> None:
    for seed in range(FIRST_SEED, FIRST_SEED + KILLS // 3):
        attempts = Attempts(server, made, clip, tmp_path / str(seed))
        killed_and_taken_up(attempts, whole[1], 3, seed)
        same = attempts.lines() == whole[0]
        assert same


def test_a_damaged_state_is_one_line_or_no_matter(
    server: ForkServer, made: Material, clip: Path, tmp_path: Path, whole: tuple[list[dict[str, Any]], float]
) -> None:
    for seed in range(4):
        attempts, rng = Attempts(server, made, clip, tmp_path / str(seed)), random.Random(seed)
        attempts.run(Kill(0, once=f"{attempts.out}/*.resume/state-00000[{1 + seed % 2}-9]"))
        assert list(attempts.out.glob("*.resume/state-*"))
        for path in sorted(attempts.out.rglob("*")):
            if path.is_file() and rng.random() < 0.5:
                path.write_bytes(damage_bytes(path.read_bytes(), rng))
        ending = attempts.run()
        if ending.code == 0:
            same = attempts.lines() == whole[0]
            assert same
        else:
            assert ending.code == 1
            assert ending.err.count("\n") == 1
