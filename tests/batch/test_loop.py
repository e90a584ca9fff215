"""The loop's decisions, with an engine that does as it is told."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tracklog.logs import any_header
from vidtrack.batch.config import Rules
from vidtrack.batch.engine import Crashed, Ended, Event, Outcome, Started, Task
from vidtrack.batch.loop import Batch
from vidtrack.batch.manifest import Manifest, Row
from vidtrack.batch.plan import Job
from vidtrack.core.errors import InputError, MisfitError, UsageError
from vidtrack.pipeline.config import RunConfig
from vidtrack.tracklog import LogWriter, RunFigures, Status


class Scripted:
    """Plays a script for each clip.

    It is of `done`, `skip`, `bad`, `usage`, `misfit`, `lost`, `crash`, `hang` and `interrupt` (a signal to us).
    """

    def __init__(self, script: dict[str, list[str]], workers: int = 1) -> None:
        self.workers, self.script = workers, {name: iter(acts) for name, acts in script.items()}
        self.under_way: list[Task] = []
        self.begun: list[str] = []
        self.resumed: list[bool] = []
        self.told: list[Event] = []
        self._early: list[Event] = []

    def submit(self, task: Task) -> None:
        assert len(self.under_way) < self.workers
        self.under_way.append(task)
        self.begun.append(task.job.source.stem)
        self.resumed.append(task.config.resume)
        self._early.append(Started(task.number, 0))

    def events(self, timeout_seconds: float) -> list[Event]:
        found, self._early = self._early, []
        for task in list(self.under_way):
            act = next(self.script[task.job.source.stem], "hang")
            if act == "interrupt":
                os.kill(os.getpid(), signal.SIGINT)
            elif act != "hang":
                self.under_way.remove(task)
                found.append(self._end(task, act))
        return found

    def _end(self, task: Task, act: str) -> Event:
        if act == "crash":
            return Crashed(task.number, 0, "its worker was killed (SIGSEGV)")
        errors = {
            "bad": InputError("no video"),
            "usage": UsageError("no such class"),
            "misfit": MisfitError("the zone lies outside the image"),
        }
        if act in ("done", "skip"):
            assert isinstance(task.job.log, Path)
            if act == "done":
                task.job.log.write_text("log")
            else:
                with LogWriter(task.job.log, any_header()) as log:
                    log.close(Status.TRUNCATED, RunFigures(decoded=7, expected=None, problems=0, seconds=1.5, fps=4.7))
        status = {"done": "complete", "lost": "complete", "skip": "skipped", "stopped": "interrupted"}.get(
            act, "failed"
        )
        return Ended(task.number, 0, Outcome(task.job, status, error=errors.get(act)))

    def interrupt(self) -> None:
        for task in self.under_way:
            self.script[task.job.source.stem] = iter(["stopped"])

    def kill(self, number: int) -> None:
        for task in self.under_way:
            if task.number == number:
                self.script[task.job.source.stem] = iter(["crash"])

    def close(self) -> None:
        pass


@pytest.fixture
def manifest(tmp_path: Path) -> Iterator[Manifest]:
    manifest = Manifest(tmp_path / "manifest.sqlite")
    yield manifest
    manifest.close()


def run(
    script: dict[str, list[str]], manifest: Manifest, attempts: int = 0, **rules: object
) -> tuple[Scripted, dict[str, str]]:
    """Play the script; returns the engine, which keeps what was told, and the status of each clip."""
    engine, root = Scripted(script), manifest.path.parent
    tasks = []
    for number, name in enumerate(script):
        job = Job(root / f"{name}.mp4", None, root / f"{name}.jsonl")
        tasks.append((Task(number, job, RunConfig()), Row(Path(f"{name}.mp4"), 1, 1, attempts=attempts)))
    batch = Batch(engine, manifest, root, Rules(**rules))  # type: ignore[arg-type]
    ended = {outcome.job.source.stem: outcome.status for outcome in batch.run(tasks, engine.told.append)}
    return engine, ended


def states(manifest: Manifest) -> dict[str, str]:
    return {source.stem: row.state for source, row in manifest.rows().items()}


def test_one_that_fails_does_not_end_the_others(manifest: Manifest) -> None:
    _, ended = run({"a": ["done"], "b": ["bad"], "c": ["done"]}, manifest)
    assert ended == {"a": "complete", "b": "failed", "c": "complete"}
    rows = manifest.rows()
    assert rows[Path("b.mp4")].error == "no video"
    assert rows[Path("a.mp4")].outputs == (("a.jsonl", 3),)
    assert states(manifest) == {"a": "done", "b": "failed", "c": "done"}


def test_a_crash_is_tried_once_more(manifest: Manifest) -> None:
    engine, ended = run({"a": ["crash", "done"], "b": ["done"]}, manifest)
    assert engine.begun == ["a", "a", "b"]
    assert engine.resumed == [False, True, False]
    assert ended == {"a": "complete", "b": "complete"}
    assert manifest.rows()[Path("a.mp4")].attempts == 2


def test_two_crashes_quarantine_a_clip(manifest: Manifest) -> None:
    _, ended = run({"a": ["crash", "crash"], "b": ["done"]}, manifest)
    assert ended == {"a": "quarantined", "b": "complete"}
    assert states(manifest) == {"a": "quarantined", "b": "done"}
    assert "SIGSEGV" in manifest.rows()[Path("a.mp4")].error


def test_crashes_count_and_not_what_failed_before(manifest: Manifest) -> None:
    _, ended = run({"a": ["crash", "done"]}, manifest, attempts=5)
    assert ended == {"a": "complete"}


def test_results_belong_to_who_made_them_last(manifest: Manifest) -> None:
    manifest.put([Row(Path("old/a.mp4"), 1, 1, outputs=(("a.jsonl", 3),)), Row(Path("old/b.mp4"), 1, 1)])
    run({"a": ["done"]}, manifest)
    assert set(manifest.rows()) == {Path("a.mp4"), Path("old/b.mp4")}


def test_the_manifest_has_what_the_log_says(manifest: Manifest) -> None:
    run({"a": ["skip"]}, manifest)
    row = manifest.rows()[Path("a.mp4")]
    assert (row.content, row.status, row.frames, row.tracks, row.seconds) == (
        f"sha256:{'0' * 64}",
        "truncated",
        0,
        0,
        1.5,
    )


def test_a_clip_that_takes_too_long(manifest: Manifest) -> None:
    engine, ended = run({"a": ["hang"], "b": ["done"]}, manifest, timeout_seconds=0.01)
    assert engine.begun == ["a", "b"]
    assert ended == {"a": "failed", "b": "complete"}
    (crash,) = [event for event in engine.told if isinstance(event, Crashed)]
    assert crash.reason == "it took longer than 0.01 s"
    assert "longer than 0.01 s" in manifest.rows()[Path("a.mp4")].error


def test_fail_fast(manifest: Manifest) -> None:
    engine, _ = run({"a": ["bad"], "b": ["done"]}, manifest, fail_fast=True)
    assert engine.begun == ["a"]
    assert states(manifest) == {"a": "failed", "b": "waiting"}


def test_an_interrupt_keeps_the_rest_for_another_time(manifest: Manifest) -> None:
    _, ended = run({"a": ["interrupt"], "b": ["done"]}, manifest)
    assert ended == {"a": "interrupted"}
    assert states(manifest) == {"a": "interrupted", "b": "waiting"}
    assert manifest.rows()[Path("a.mp4")].attempts == 0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_second_interrupt_is_at_once(manifest: Manifest) -> None:
    class Deaf(Scripted):
        def interrupt(self) -> None:
            pass

    job = Job(manifest.path.parent / "a.mp4", None, manifest.path.parent / "a.jsonl")
    batch = Batch(Deaf({"a": ["interrupt", "interrupt"]}), manifest, manifest.path.parent)
    with pytest.raises(KeyboardInterrupt):
        list(batch.run([(Task(0, job, RunConfig()), Row(Path("a.mp4"), 1, 1))], lambda event: None))
    manifest.recover()
    assert states(manifest) == {"a": "interrupted"}


def test_an_error_that_meets_all_alike_ends_the_batch(manifest: Manifest) -> None:
    with pytest.raises(UsageError, match="no such class"):
        run({"a": ["usage"], "b": ["done"]}, manifest)
    assert states(manifest) == {"a": "failed", "b": "waiting"}


def test_a_choice_that_suits_others_costs_one_clip(manifest: Manifest) -> None:
    _, ended = run({"a": ["misfit"], "b": ["done"]}, manifest)
    assert ended == {"a": "failed", "b": "complete"}


def test_an_interrupt_while_a_clip_is_handed_over(manifest: Manifest) -> None:
    class Interrupted(Scripted):
        def submit(self, task: Task) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            super().submit(task)

    root = manifest.path.parent
    jobs = [Job(root / f"{name}.mp4", None, root / f"{name}.jsonl") for name in "ab"]
    tasks = [(Task(n, job, RunConfig()), Row(Path(job.source.name), 1, 1)) for n, job in enumerate(jobs)]
    batch = Batch(Interrupted({"a": ["hang"], "b": ["done"]}), manifest, root)
    assert [outcome.status for outcome in batch.run(tasks, lambda event: None)] == ["interrupted"]
    assert batch.interrupted
    assert states(manifest) == {"a": "interrupted", "b": "waiting"}


def test_a_result_that_is_not_there_is_a_failure(manifest: Manifest) -> None:
    _, ended = run({"a": ["lost"]}, manifest)
    assert ended == {"a": "failed"}
    assert "a.jsonl does not exist" in manifest.rows()[Path("a.mp4")].error
