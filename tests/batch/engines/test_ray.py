"""A cluster of this machine with two workers, real clips and real deaths."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.batch.engines.test_local import run
from tests.batch.test_remote_job import digest, made
from tests.conftest import Ended as EndedCommand
from tests.media import Clip, write_clip
from vidtrack.batch.config import Rules
from vidtrack.batch.engine import Crashed, Ended, Engine, Event, Progressed, Started, Task
from vidtrack.batch.engines import ray as ray_engine
from vidtrack.batch.loop import Batch
from vidtrack.batch.manifest import FOLDER, NAME, Manifest, Row
from vidtrack.batch.plan import Existing, Job
from vidtrack.core.errors import InputError, UsageError
from vidtrack.model.choice import ModelChoice
from vidtrack.pipeline.config import RunConfig

try:
    import ray
except ImportError:
    ray = None
RAY = [pytest.mark.ray, pytest.mark.skipif(ray is None, reason="Ray is missing: install vidtrack[test-cluster]")]


def test_without_ray_one_line_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"pip install 'vidtrack\[ray\]'"):
        ray_engine.RayEngine(ModelChoice())


def test_options_that_need_the_engine(
    vidtrack: Callable[..., EndedCommand], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_clip(tmp_path / "a.mp4", Clip(frames=2))
    alone = vidtrack("detect", tmp_path / "a.mp4", "--address", "127.0.0.1:1")
    assert alone.code == 2 and "--engine ray" in alone.err
    streamed = vidtrack("detect", tmp_path / "a.mp4", "-o", "-", "--engine", "ray")
    assert streamed.code == 2 and "standard output" in streamed.err
    monkeypatch.setitem(sys.modules, "ray", None)
    lacking = vidtrack("detect", tmp_path / "a.mp4", "--engine", "ray")
    assert lacking.code == 2 and lacking.err.count("\n") == 1 and "vidtrack[ray]" in lacking.err


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    for number in range(3):
        write_clip(folder / f"{number}.mp4", Clip(frames=4 + number))
    return folder


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("long") / "long.mp4", Clip(frames=1400, size=(64, 64), numbered=True))


@pytest.fixture(scope="module")
def engine(tiny_checkpoint: Path) -> Iterator[Engine]:
    made = ray_engine.RayEngine(ModelChoice(str(tiny_checkpoint), "cpu", threads=1), workers=2)
    yield made
    made.close()


def task(number: int, clip: Path, folder: Path) -> Task:
    return Task(number, Job(clip, None, folder / f"{number}.jsonl"), RunConfig(), Existing.OVERWRITE)


def pids() -> set[int]:
    """Processes of the workers."""
    return {int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and _is_worker(path)}


def _is_worker(process: Path) -> bool:
    try:
        title = (process / "cmdline").read_bytes().split(b"\0")[0]
        return title.startswith(b"ray::RayWorker") and _descends_from(process, os.getpid())
    except OSError:
        return False


def _descends_from(process: Path, ancestor: int) -> bool:
    pid = int(process.name)
    while pid > 1:
        if pid == ancestor:
            return True
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return False


class TestEngine:
    pytestmark = RAY

    def test_each_clip_begins_is_told_of_and_ends(self, engine: Engine, clips: Path, tmp_path: Path) -> None:
        (tmp_path / "bad.mp4").write_bytes(b"no video")
        tasks = [task(n, clips / f"{n}.mp4", tmp_path) for n in range(3)] + [task(3, tmp_path / "bad.mp4", tmp_path)]
        events = run(engine, tasks)
        for number in range(4):
            kinds = [type(event) for event in events if event.number == number]
            assert kinds[0] is Started and kinds[-1] is Ended and kinds.count(Ended) == 1
            assert number == 3 or Progressed in kinds
        ended = {event.number: event.outcome for event in events if isinstance(event, Ended)}
        assert [ended[n].status for n in range(4)] == ["complete", "complete", "complete", "failed"]
        assert [ended[n].result.frames for n in range(3)] == [4, 5, 6]
        assert isinstance(ended[3].error, InputError) and "bad.mp4" in str(ended[3].error)
        assert {event.worker for event in events} == {0, 1} and len(pids()) == 2

    def test_an_interrupt_ends_clips_after_their_frame(self, engine: Engine, long_clip: Path, tmp_path: Path) -> None:
        told: set[int] = set()

        def interrupt(event: Event) -> None:
            if isinstance(event, Progressed) and not told:
                engine.interrupt()
                told.add(event.number)

        events = run(engine, [task(0, long_clip, tmp_path)], interrupt)
        outcome = events[-1].outcome
        assert outcome.status == "interrupted" and 0 < outcome.result.frames < 1400
        assert '"status":"interrupted"' in (tmp_path / "0.jsonl").read_text()

    def test_a_killed_worker_is_a_crash_and_another_takes_its_place(
        self, engine: Engine, clips: Path, long_clip: Path, tmp_path: Path
    ) -> None:
        def kill(event: Event) -> None:
            if isinstance(event, Progressed):
                engine.kill(event.number)

        events = run(engine, [task(0, long_clip, tmp_path)], kill)
        assert isinstance(events[-1], Crashed) and "\n" not in events[-1].reason
        assert not (tmp_path / "0.jsonl").exists()
        assert isinstance(run(engine, [task(1, clips / "1.mp4", tmp_path)])[-1], Ended)

    @pytest.mark.parametrize("kills", [1, 2])
    def test_after_kill_9_a_clip_is_retried_then_quarantined(
        self, engine: Engine, clips: Path, long_clip: Path, tmp_path: Path, kills: int
    ) -> None:
        victim = replace(task(0, long_clip, tmp_path), config=RunConfig(end_seconds=Fraction(2)))
        tasks = [victim, task(1, clips / "1.mp4", tmp_path)]
        manifest = Manifest(tmp_path / FOLDER / NAME)
        batch = Batch(engine, manifest, tmp_path, Rules())
        killed: list[int] = []

        def kill(event: Event) -> None:
            if isinstance(event, Progressed) and event.number == 0 and len(killed) < kills:
                for pid in pids():  # the other clip is done by then, or tried again too
                    os.kill(pid, signal.SIGKILL)
                killed.append(event.worker)

            if isinstance(event, Crashed):
                assert "\n" not in event.reason

        rows = [(one, Row(Path(one.job.source), 0, 0)) for one in tasks[:1]]
        outcomes = list(batch.run(rows, kill))
        states = {row.state for row in manifest.rows().values()}
        manifest.close()
        assert len(killed) == kills and len(outcomes) == 1
        assert (outcomes[0].status, states) == (
            ("complete", {"done"}) if kills == 1 else ("quarantined", {"quarantined"})
        )


class TestCommand:
    pytestmark = RAY

    def test_results_equal_those_of_the_local_engine(
        self,
        engine: Engine,
        clips: Path,
        tmp_path: Path,
        vidtrack: Callable[..., EndedCommand],
        tiny_checkpoint: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
        options = ("--model", tiny_checkpoint, "--device", "cpu", "--threads", 1, "--jobs", 2)
        here = vidtrack("detect", clips, "-o", tmp_path / "here", *options)
        there = vidtrack("detect", clips, "-o", tmp_path / "there", *options, "--engine", "ray", "--progress", "json")
        assert here.code == there.code == 0, there.err
        names = made(tmp_path / "here")
        assert len(names) == 6 and names == made(tmp_path / "there")
        for name in names:
            assert digest(tmp_path / "here" / name) == digest(tmp_path / "there" / name), name
        again = vidtrack("detect", clips, "-o", tmp_path / "there", *options)  # of one engine, done for the other
        assert again.code == 0 and "3 done before" in again.err

    def test_a_cluster_that_is_not_there_is_one_line(
        self, clips: Path, tmp_path: Path, vidtrack: Callable[..., EndedCommand], tiny_checkpoint: Path
    ) -> None:
        if ray.is_initialized():
            ray.shutdown()
        ended = vidtrack(
            "detect", clips, "-o", tmp_path, "--engine", "ray", "--address", "127.0.0.1:1", "--model", tiny_checkpoint
        )
        assert ended.code == 2 and ended.err.count("\n") == 1 and "127.0.0.1:1" in ended.err
