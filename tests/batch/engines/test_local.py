from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.media import Clip, write_clip
from vidtrack import TrackLog
from vidtrack.batch.engine import Crashed, Ended, Engine, Event, Progressed, Started, Task
from vidtrack.batch.engines.local import LocalEngine
from vidtrack.batch.plan import Existing, Job
from vidtrack.core.errors import InputError, UsageError, WeightsError
from vidtrack.model.choice import ModelChoice
from vidtrack.pipeline.config import RunConfig


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three clips, one of another shape."""
    folder = tmp_path_factory.mktemp("clips")
    shapes = [Clip(frames=6), Clip(frames=8), Clip(frames=6, size=(96, 96))]
    return [write_clip(folder / f"{number}.mp4", clip) for number, clip in enumerate(shapes)]


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "long.mp4", Clip(frames=900, numbered=True))


@pytest.fixture(scope="module")
def choice(tiny_checkpoint: Path) -> ModelChoice:
    return ModelChoice(str(tiny_checkpoint), "cpu", threads=1)


@pytest.fixture(scope="module")
def engine(choice: ModelChoice) -> Iterator[LocalEngine]:
    """Two processes of one clip each."""
    made = LocalEngine([choice] * 2)
    yield made
    made.close()


def tasks(clips: Sequence[Path], folder: Path) -> list[Task]:
    return [
        Task(n, Job(clip, folder / f"{n}.mp4", folder / f"{n}.jsonl"), RunConfig(score=0.3), Existing.OVERWRITE)
        for n, clip in enumerate(clips)
    ]


def run(engine: Engine, given: Sequence[Task], heed: Callable[[Event], None] = lambda event: None) -> list[Event]:
    """All events of tasks, no more of which are under way than there are workers."""
    waiting, found, under_way = list(given), [], 0
    until = time.monotonic() + 240
    while waiting or under_way:
        assert time.monotonic() < until, found
        while waiting and under_way < engine.workers:
            engine.submit(waiting.pop(0))
            under_way += 1
        for event in engine.events(0.2):
            found.append(event)
            under_way -= isinstance(event, Ended | Crashed)
            heed(event)
    return found


def statuses(events: Sequence[Event]) -> dict[int, str]:
    return {
        event.number: event.outcome.status if isinstance(event, Ended) else "crashed"
        for event in events
        if isinstance(event, Ended | Crashed)
    }


class AfterFirstFrame:
    """Does something once, when a task of that number has a frame."""

    def __init__(self, number: int, act: Callable[[], None]) -> None:
        self.number, self.act, self.done = number, act, False

    def __call__(self, event: Event) -> None:
        if isinstance(event, Progressed) and event.number == self.number and not self.done:
            self.done = True
            self.act()


def test_workers_take_clip_after_clip(engine: LocalEngine, clips: list[Path], tmp_path: Path) -> None:
    given = tasks(clips, tmp_path)
    events = run(engine, given)
    assert statuses(events) == {0: "complete", 1: "complete", 2: "complete"}
    for task in given:
        own = [event for event in events if event.number == task.number]
        assert isinstance(own[0], Started) and isinstance(own[-1], Ended)
        assert own[-1].outcome.job is task.job
        assert all(target.exists() for target in task.job.outputs)
    assert {event.worker for event in events} == {0, 1}


def test_a_clip_that_fails_is_an_outcome(engine: LocalEngine, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_text("no video")
    (*_, ended) = run(engine, tasks([bad], tmp_path))
    assert isinstance(ended, Ended) and isinstance(ended.outcome.error, InputError)
    assert "bad.mp4 is not a video" in ended.outcome.error.message
    assert "check" in ended.outcome.error.hint or ended.outcome.error.hint == ""


def test_a_killed_worker_is_a_crash_and_another_takes_its_place(
    engine: LocalEngine, clips: list[Path], long_clip: Path, tmp_path: Path
) -> None:
    kill = AfterFirstFrame(0, lambda: engine.kill(0))
    events = run(engine, tasks([long_clip, *clips], tmp_path), kill)
    assert statuses(events) == {0: "crashed", 1: "complete", 2: "complete", 3: "complete"}
    (crash,) = [event for event in events if isinstance(event, Crashed)]
    assert "SIGKILL" in crash.reason and "memory" in crash.reason
    assert not (tmp_path / "0.jsonl").exists()
    assert statuses(run(engine, tasks(clips[:2], tmp_path))) == {0: "complete", 1: "complete"}


def test_an_interrupt_keeps_what_is_done(
    engine: LocalEngine, clips: list[Path], long_clip: Path, tmp_path: Path
) -> None:
    events = run(engine, tasks([long_clip], tmp_path), AfterFirstFrame(0, engine.interrupt))
    assert statuses(events) == {0: "interrupted"}
    log = TrackLog.load(tmp_path / "0.jsonl")
    assert log.status == "interrupted" and 0 < len(log) < 900
    assert statuses(run(engine, tasks(clips[:1], tmp_path))) == {0: "complete"}  # it is over with that clip


def test_the_terminals_interrupt_does_not_reach_workers(engine: LocalEngine, long_clip: Path, tmp_path: Path) -> None:
    def interrupt() -> None:
        for one in engine._live:
            os.kill(one.process.pid, signal.SIGINT)
        engine.interrupt()

    assert statuses(run(engine, tasks([long_clip], tmp_path), AfterFirstFrame(0, interrupt))) == {0: "interrupted"}


@pytest.mark.parametrize(("wrong", "error"), [("nonsense", WeightsError), ("", UsageError)])
def test_a_model_that_cannot_be_loaded_is_told(
    choice: ModelChoice, clips: list[Path], tmp_path: Path, wrong: str, error: type[Exception]
) -> None:
    engine = LocalEngine([ModelChoice(wrong or choice.name, "cpu" if wrong else "cuda:77", threads=1)])
    (*_, ended) = run(engine, tasks(clips[:1], tmp_path))
    engine.close()
    assert isinstance(ended, Ended) and isinstance(ended.outcome.error, error)


def test_a_long_path_of_temporary_files_is_no_hindrance(
    choice: ModelChoice, clips: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("n" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    engine = LocalEngine([choice])
    assert statuses(run(engine, tasks(clips[:1], tmp_path))) == {0: "complete"}
    engine.close()


def test_clips_in_one_process_share_batches(
    engine: LocalEngine, choice: ModelChoice, clips: list[Path], long_clip: Path, tmp_path: Path
) -> None:
    (tmp_path / "alone").mkdir()
    (tmp_path / "shared").mkdir()
    run(engine, tasks(clips, tmp_path / "alone"))
    shared = LocalEngine([choice], clips=3)
    assert shared.workers == 3
    events = run(shared, tasks(clips, tmp_path / "shared"))
    assert statuses(events) == {0: "complete", 1: "complete", 2: "complete"}
    assert {event.worker for event in events} == {0, 1, 2}
    for number in range(3):
        alone, together = (TrackLog.load(tmp_path / folder / f"{number}.jsonl") for folder in ("alone", "shared"))
        np.testing.assert_array_equal(together.ids, alone.ids)
        np.testing.assert_allclose(together.boxes_xyxy, alone.boxes_xyxy, atol=0.05)

    # a process that dies over several clips: each is tried again, by itself
    crashed = run(shared, tasks([long_clip, clips[0], long_clip], tmp_path), AfterFirstFrame(2, lambda: shared.kill(2)))
    again = [
        task
        for task in tasks([long_clip, clips[0], long_clip], tmp_path)
        if statuses(crashed)[task.number] == "crashed"
    ]
    assert {task.number for task in again} >= {0, 2}
    under_way: set[int] = set()
    most = 0

    def watch(event: Event) -> None:
        nonlocal most
        if isinstance(event, Started):
            under_way.add(event.number)
        elif isinstance(event, Ended):
            under_way.discard(event.number)
        most = max(most, len(under_way))
        if isinstance(event, Progressed):
            shared.interrupt()

    assert set(statuses(run(shared, again, watch)).values()) <= {"interrupted", "complete"}
    assert most == 1
    shared.close()
    assert not shared._live
