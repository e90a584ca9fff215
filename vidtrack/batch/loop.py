"""The loop of a batch: gives tasks to an engine, keeps the manifest, tries again what crashed."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType

from vidtrack.batch.config import Rules
from vidtrack.batch.engine import Crashed, Ended, Engine, Event, Logged, Outcome, Started, Task
from vidtrack.batch.manifest import DONE, FAILED, INTERRUPTED, QUARANTINED, RUNNING, Manifest, Row
from vidtrack.batch.pending import read_logged, relative, size_of
from vidtrack.batch.remote import Location
from vidtrack.core.errors import (
    MisfitError,
    OutputError,
    ResourceError,
    UsageError,
    WeightsError,
)
from vidtrack.core.status import Status

_STEP_SECONDS = 0.2
_FINISHED = (Status.COMPLETE, Status.TRUNCATED, "skipped")


class Batch:
    """Runs tasks on an engine. Every change of a clip's state is in the manifest before anything else happens."""

    def __init__(self, engine: Engine, manifest: Manifest, root: Location, rules: Rules | None = None) -> None:
        self.engine, self.manifest, self.root, self.rules = engine, manifest, root, rules or Rules()
        self._waiting: deque[tuple[Task, Row]] = deque()
        self._running: dict[int, tuple[Task, Row, float]] = {}
        self._late: set[int] = set()
        self._crashes: Counter[int] = Counter()
        self._makers = {name: row.source for row in manifest.rows().values() for name, _ in row.outputs}
        self._interrupts = 0
        self._stopping = False

    @property
    def interrupted(self) -> bool:
        """Whether a signal has ended it."""
        return self._interrupts > 0

    def run(
        self,
        tasks: Sequence[tuple[Task, Row]],
        tell: Callable[[Event], None],
        more: Callable[[], Sequence[tuple[Task, Row]]] | None = None,
    ) -> Iterator[Outcome]:
        """Yield an outcome a clip as they end; `tell` hears of everything else.

        `more` is asked for further tasks again and again, so that the batch ends by an interrupt only. The first
        interrupt lets the clips under way end after their current frame, the second ends all at once and is raised.
        Raises UsageError and WeightsError, which would meet every clip alike.
        """
        self._waiting.extend(tasks)
        self.manifest.put(row for _, row in tasks)
        with self._interruptible():
            try:
                yield from self._work(tell, more)
            except ResourceError:
                if not self._interrupts:
                    raise
                yield from self._abandon()  # the interrupt ended the workers too

    def _work(
        self, tell: Callable[[Event], None], more: Callable[[], Sequence[tuple[Task, Row]]] | None
    ) -> Iterator[Outcome]:
        while self._waiting or self._running or (more is not None and not self._stopping):
            if self._interrupts and not self._stopping:
                self._stop()
            if more is not None and not self._stopping:
                self._take_up(more())
            while self._waiting and not self._interrupts and len(self._running) < self.engine.workers:
                self._begin(*self._waiting.popleft())
            for event in map(self._explained, self.engine.events(_STEP_SECONDS)):
                tell(event)
                outcome = self._heed(event)
                if outcome is not None:
                    yield outcome
            self._kill_late()

    def _abandon(self) -> Iterator[Outcome]:
        self._stopping = True
        self._waiting.clear()
        for task, row, _ in self._running.values():
            self.manifest.put([replace(row, state=INTERRUPTED, attempts=row.attempts - 1)])
            yield Outcome(task.job, Status.INTERRUPTED)
        self._running.clear()

    def _take_up(self, tasks: Sequence[tuple[Task, Row]]) -> None:
        if tasks:
            self.manifest.put(row for _, row in tasks)
            self._waiting.extend(tasks)

    def _begin(self, task: Task, row: Row) -> None:
        row = replace(row, state=RUNNING, attempts=row.attempts + 1)
        self.manifest.put([row])
        self._running[task.number] = task, row, float("inf")
        self.engine.submit(task)

    def _heed(self, event: Event) -> Outcome | None:
        """Take an event; returns the outcome of a clip that is over for good."""
        if event.number not in self._running:
            return None
        task, row, _ = self._running[event.number]
        if isinstance(event, Started):
            self._running[event.number] = task, row, time.monotonic()
        elif isinstance(event, Ended):
            del self._running[event.number]
            return self._finish(row, event.outcome)
        elif isinstance(event, Crashed):
            del self._running[event.number]
            return self._after_crash(task, row, event.reason)
        return None

    def _explained(self, event: Event) -> Event:
        """The event as it came; of a worker that was killed for its clip's lateness, with that as its reason."""
        if isinstance(event, Crashed) and event.number in self._late:
            return replace(event, reason=f"it took longer than {self.rules.timeout_seconds:g} s")
        return event

    def _finish(self, row: Row, outcome: Outcome) -> Outcome:
        targets = outcome.job.outputs
        sizes = [size_of(target) for target in targets] if outcome.status in _FINISHED else []
        if -1 in sizes:
            lost = f"{targets[sizes.index(-1)]} does not exist, though it was written"
            outcome = Outcome(outcome.job, Status.FAILED, error=OutputError(lost, "can every process see that folder?"))
        error = outcome.error
        if outcome.status in _FINISHED:
            row = self._completed(row, outcome, sizes)
        elif error is not None:
            row = replace(row, state=FAILED, error=error.message, hint=error.hint)
        else:
            row = replace(row, state=INTERRUPTED, attempts=row.attempts - 1)  # through no fault of its own
        self.manifest.put([row])
        if isinstance(error, UsageError | WeightsError) and not isinstance(error, MisfitError):
            self._stop()
            raise error
        if error is not None and self.rules.fail_fast:
            self._stop()
        return outcome

    def _completed(self, row: Row, outcome: Outcome, sizes: Sequence[int]) -> Row:
        targets = outcome.job.outputs
        names = [str(relative(target, self.root)) for target in targets]
        outputs = tuple(zip(names, sizes, strict=True))
        makers = {self._makers.get(name, row.source) for name in names}
        self.manifest.forget(makers - {row.source})  # whose results these were
        log = targets[-1]
        logged = read_logged(log) if isinstance(log, Path) else outcome.logged or Logged()
        return replace(row, state=DONE, outputs=outputs, error="", hint="", **asdict(logged))

    def _after_crash(self, task: Task, row: Row, reason: str) -> Outcome | None:
        self._crashes[task.number] += 1
        if task.number in self._late:
            state, status = FAILED, str(Status.FAILED)
        elif self._stopping:
            self.manifest.put([replace(row, state=INTERRUPTED)])
            return Outcome(task.job, Status.INTERRUPTED)
        elif self._crashes[task.number] < self.rules.crashes:
            self._waiting.appendleft((replace(task, config=replace(task.config, resume=True)), row))
            return None
        else:
            state, status = QUARANTINED, "quarantined"
        error = ResourceError(f"gave up on {task.job.source}: {reason}")
        self.manifest.put([replace(row, state=state, error=error.message)])
        if self.rules.fail_fast:
            self._stop()
        return Outcome(task.job, status, error=error)

    def _kill_late(self) -> None:
        limit = self.rules.timeout_seconds
        if limit is None:
            return
        for number, (_, _, began) in self._running.items():
            if number not in self._late and time.monotonic() - began > limit:
                self._late.add(number)
                self.engine.kill(number)

    def _stop(self) -> None:
        """Begin nothing more, and end what is under way."""
        self._stopping = True
        self._waiting.clear()
        self.engine.interrupt()

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Count interrupts instead of being broken off anywhere; only the second one is raised."""

        def count(number: int, frame: FrameType | None) -> None:
            self._interrupts += 1
            if self._interrupts > 1:
                raise KeyboardInterrupt

        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, count) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
