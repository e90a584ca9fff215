"""Batches that are killed, starved, locked out and misled: the next run does the rest, nothing is lost or doubled."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.forkserver import Ending, ForkServer, Kill
from tests.faults.targets import Material
from tests.media import Clip, write_clip
from vidtrack import TrackLog
from vidtrack.tracklog.validation import validate
from vidtrack.video import VideoReader

CLIPS, FRAMES = 4, 4
_QUIET = ("--progress", "none")
KILLS = int(os.environ.get("VIDTRACK_KILLS", "300"))
FIRST_SEED = int(os.environ.get("VIDTRACK_FIRST_SEED", "100"))
Run = Callable[..., Ending]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    options = {"preset": "ultrafast", "g": "2"}
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return write_clip(path, Clip(frames=FRAMES, size=(64, 48), options=options)).read_bytes()


@pytest.fixture
def sources(tmp_path: Path, clip: bytes) -> Path:
    folder = tmp_path / "work/in"
    (folder / "sub").mkdir(parents=True)
    for number in range(CLIPS):
        (folder / ("sub" if number == 1 else ".") / f"clip{number}.mp4").write_bytes(clip + bytes(number))
    return folder


@pytest.fixture
def run(server: ForkServer, made: Material, sources: Path) -> Run:
    """A batch over `sources` into `out`, with two workers."""
    common = ("detect", str(sources), "--model", str(made.model), "--score", "0.3", "--jobs", "2", *_QUIET)

    def batch(
        *options: str, out: Path = sources.parent / "out", kill: Kill | None = None, call: str = "command"
    ) -> Ending:
        arguments = (*common, "-o", str(out), *options)
        return server.run(call, arguments, sources.parent, [sources.parent], kill)

    return batch


def rows_of(out: Path) -> dict[str, str]:
    """State by source in the manifest."""
    with contextlib.closing(sqlite3.connect(f"file:{out}/vidtrack-batch/manifest.sqlite?mode=ro", uri=True)) as db:
        return {os.fsdecode(source): state for source, state in db.execute("SELECT source, state FROM clips")}


def assert_all_there(out: Path, sources: Path, frames: int = FRAMES) -> None:
    """Each clip has one whole log and one whole video, the manifest says so, and there is nothing else."""
    names = sorted(str(path.relative_to(sources))[: -len(".mp4")] for path in sources.rglob("*.mp4"))
    found = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    expected = {f"{name}.{kind}" for name in names for kind in ("tracks.jsonl", "tracked.mp4")}
    assert {name for name in found if not name.startswith("vidtrack-batch/")} == expected
    for name in names:
        checked = validate(out / f"{name}.tracks.jsonl")
        assert (checked.faults, checked.frames, checked.status) == ((), frames, "complete")
        with VideoReader(out / f"{name}.tracked.mp4") as reader:
            assert len(list(reader)) == frames
    rows = rows_of(out)
    assert {Path(source).stem for source in rows} == {Path(name).stem for name in names}
    assert len(rows) == len(names)
    assert set(rows.values()) == {"done"}


def assert_clear(ending: Ending) -> None:
    assert "Traceback" not in ending.err
    assert not ending.breaches


def killed_and_finished(run: Run, sources: Path, kills: int, seed: int, seconds: float) -> None:
    """Kill parent or worker of batch after batch on one output, in the time that one takes, then let one end."""
    rng, out = random.Random(seed), sources.parent / f"out{seed}"
    for _ in range(kills):
        ending = run(out=out, kill=Kill(rng.uniform(0, seconds), child=rng.random() < 0.5))
        assert_clear(ending)
        assert ending.code in (0, 1, -9)
    ending = run("--retry-quarantined", out=out)
    assert ending.code == 0, ending.err
    assert_clear(ending)
    assert_all_there(out, sources)


def test_killed_again_and_again(run: Run, sources: Path) -> None:
    seconds = run().seconds
    for seed, kills in ((0, 4), (1, 3)):
        killed_and_finished(run, sources, kills, seed, seconds)


@pytest.mark.slow
def test_killed_hundreds_of_times(run: Run, sources: Path) -> None:
    seconds = run().seconds
    for seed in range(FIRST_SEED, FIRST_SEED + KILLS // 5):
        killed_and_finished(run, sources, 5, seed, seconds)


def test_a_finished_batch_is_left_alone(run: Run, sources: Path) -> None:
    out = sources.parent / "out"
    assert run().code == 0
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in out.glob("**/clip*")}
    ending = run()
    assert ending.code == 0
    assert {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in out.glob("**/clip*")} == before
    assert_all_there(out, sources)


@pytest.mark.parametrize("accident", ["segv", "oom"])
def test_a_clip_that_kills_its_worker_costs_no_other(run: Run, sources: Path, accident: str) -> None:
    (sources / "clip2.mp4").rename(sources / f"{accident}-2.mp4")
    ending = run(call="command_with_accidents")
    assert ending.code == 1
    assert_clear(ending)
    assert f"{accident}-2.mp4" in ending.err
    states = {Path(source).stem: state for source, state in rows_of(sources.parent / "out").items()}
    assert states.pop(f"{accident}-2") in ("quarantined", "failed")
    assert set(states.values()) == {"done"}
    ending = run("--retry-quarantined")
    assert ending.code == 0, ending.err
    assert_all_there(sources.parent / "out", sources)


def test_the_clock_may_jump(run: Run, sources: Path) -> None:
    for number, path in enumerate(sources.glob("*.mp4")):
        path.rename(sources / f"clock-{number}.mp4")
        os.utime(sources / f"clock-{number}.mp4", (number * 1e9, number * 1e9))
    ending = run(call="command_with_accidents")
    assert ending.code == 0, ending.err
    assert_all_there(sources.parent / "out", sources)


@pytest.mark.parametrize("accident", ["vanish", "grow", "shrink"])
def test_a_clip_that_changes_while_it_is_read(run: Run, sources: Path, clip: bytes, accident: str) -> None:
    changed = sources / f"{accident}-2.mp4"
    (sources / "clip2.mp4").rename(changed)
    ending = run(call="command_with_accidents")
    assert_clear(ending)
    assert ending.code in (0, 1)
    for log in (sources.parent / "out").rglob("*.tracks.jsonl"):
        assert validate(log).faults == ()
    changed.write_bytes(clip + b"other")  # the run after takes it for what it is now
    ending = run("--retry-quarantined")
    assert ending.code == 0, ending.err
    assert_all_there(sources.parent / "out", sources)
    tracked = TrackLog.load(sources.parent / f"out/{accident}-2.tracks.jsonl")
    assert tracked.header.source.bytes == len(clip) + 5


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own."""
    place = tmp_path / "work/disk"
    place.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"cannot mount a file system here: {mounted.stderr.decode().strip()}")
    try:
        yield place
    finally:
        unless_busy("umount", place)


def remount(place: Path, options: str) -> None:
    unless_busy("mount", "-o", f"remount,{options}", place)


def unless_busy(*command: str | Path) -> None:
    """Run a command that workers can hinder, who take a moment to see that their batch is dead."""
    until = time.monotonic() + 60
    while (ended := subprocess.run(command, capture_output=True, text=True)).returncode:
        assert "busy" in ended.stderr and time.monotonic() < until, ended.stderr
        time.sleep(0.1)


@pytest.mark.parametrize("kilobytes", [8, 48])
def test_a_full_disk(run: Run, sources: Path, small_disk: Path, kilobytes: int) -> None:
    remount(small_disk, f"size={kilobytes}k")
    ending = run(out=small_disk / "out")
    assert_clear(ending)
    assert ending.code == 1
    assert "full" in ending.err or "space" in ending.err, ending.err
    remount(small_disk, "size=2m")
    ending = run("--retry-quarantined", out=small_disk / "out")
    assert ending.code == 0, ending.err
    assert_all_there(small_disk / "out", sources)


def test_an_output_that_becomes_read_only(run: Run, sources: Path, small_disk: Path) -> None:
    out = small_disk / "out"
    remount(small_disk, "ro")
    ending = run(out=out)
    assert ending.code == 1
    assert_clear(ending)
    assert ending.err.count("\n") == 1 and "Read-only" in ending.err
    remount(small_disk, "rw")
    run(out=out, kill=Kill(0.6))
    remount(small_disk, "ro")
    ending = run(out=out)
    assert ending.code == 1
    assert_clear(ending)
    remount(small_disk, "rw")
    assert run("--retry-quarantined", out=out).code == 0
    assert_all_there(out, sources)


def test_a_clip_that_no_encoder_takes_costs_no_other(run: Run, sources: Path) -> None:
    options: dict[str, str] = {}
    write_clip(sources / "wide.mkv", Clip(frames=2, size=(17000, 16), encoder="ffv1", options=options, numbered=True))
    ending = run()
    assert ending.code == 1
    assert "does not take 17000x16" in ending.err
    (sources / "wide.mkv").unlink()
    assert sorted(rows_of(sources.parent / "out").values()) == ["done"] * CLIPS + ["failed"]
