"""Worker processes on this machine: each loads the model once and tracks clip after clip."""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import queue
import signal
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from vidtrack.batch.engine import Crashed, Ended, Event, ModelChoice, Outcome, Progressed, Started, Task
from vidtrack.errors import UsageError, VidtrackError, WeightsError

_TELL_EVERY = 0.2  # seconds between two messages about the progress of a clip
_PATIENCE = 5.0  # seconds for a worker to end by itself


@dataclass
class _Worker:
    index: int
    process: BaseProcess
    connection: Connection
    task: Task | None = None


class LocalEngine:
    """`workers` processes; `choices` holds a worker's model, one for all or one for each."""

    def __init__(self, workers: int, choices: list[ModelChoice]) -> None:
        self.workers = workers
        self._choices = [choices[index % len(choices)] for index in range(workers)]
        self._context = multiprocessing.get_context("spawn")  # a fork would copy threads and CUDA in an unusable state
        self._live: list[_Worker] = []
        self._early: deque[Event] = deque()

    def submit(self, task: Task) -> None:
        """Give the task to a free worker, started where there is none yet."""
        worker = next((one for one in self._live if one.task is None), None)
        if worker is None:
            worker = self._start(min(set(range(self.workers)) - {one.index for one in self._live}))
        worker.task = task
        self._early.append(Started(task.number, worker.index))
        with contextlib.suppress(OSError):  # died while idle: `events` sees it
            worker.connection.send(task)

    def events(self, timeout_seconds: float) -> list[Event]:
        """Messages of the workers, and their deaths."""
        found: list[Event] = list(self._early)
        self._early.clear()
        ready = wait([one.connection for one in self._live], 0 if found else timeout_seconds)
        for worker in [one for one in self._live if one.connection in ready]:
            try:
                while worker.connection.poll():
                    self._take(worker, worker.connection.recv(), found)
            except (EOFError, OSError):
                self._bury(worker, found)
        return found

    def interrupt(self) -> None:
        """Interrupt the workers' clips; each is told once, as a second interrupt would end it at once."""
        for worker in self._live:
            if worker.task is not None and worker.process.pid is not None:
                os.kill(worker.process.pid, signal.SIGINT)

    def kill(self, number: int) -> None:
        """Kill the worker of a task."""
        for worker in self._live:
            if worker.task is not None and worker.task.number == number:
                worker.process.kill()

    def close(self) -> None:
        """End the workers: idle ones by their closed pipe, others by force."""
        for worker in self._live:
            if worker.task is not None:
                worker.process.kill()
            worker.connection.close()
        until = time.monotonic() + _PATIENCE
        for worker in self._live:
            worker.process.join(max(0.0, until - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        self._live.clear()

    def _start(self, index: int) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_work, args=(theirs, self._choices[index]), name=f"vidtrack-worker-{index}", daemon=True
        )
        process.start()
        theirs.close()
        self._live.append(_Worker(index, process, ours))
        return self._live[-1]

    def _take(self, worker: _Worker, message: Any, found: list[Event]) -> None:
        assert worker.task is not None
        number = worker.task.number
        if isinstance(message, Outcome):
            found.append(Ended(number, worker.index, replace(message, job=worker.task.job)))
            worker.task = None
        else:
            found.append(Progressed(number, worker.index, message))

    def _bury(self, worker: _Worker, found: list[Event]) -> None:
        self._live.remove(worker)
        worker.connection.close()
        worker.process.join(_PATIENCE)
        if worker.task is not None:
            found.append(Crashed(worker.task.number, worker.index, _cause(worker.process.exitcode)))


def _cause(code: int | None) -> str:
    """What a process died of."""
    if code is None or code >= 0:
        return f"its worker ended with code {code}"
    with contextlib.suppress(ValueError):
        name = signal.Signals(-code).name
        return f"its worker was killed ({name}{', often for lack of memory' if name == 'SIGKILL' else ''})"
    return f"its worker was killed by signal {-code}"


def _work(connection: Connection, choice: ModelChoice) -> None:
    """A worker's life; it ends with its parent, however that ends."""
    with contextlib.suppress(OSError):
        os.setpgrp()  # the terminal's interrupt goes to the parent, which passes on one
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(connection, tasks), daemon=True).start()
    from vidtrack.batch.run import run_task

    load = functools.cache(choice.load)
    while True:
        try:
            task = tasks.get()
        except KeyboardInterrupt:  # came after the clip it was meant for
            continue
        try:
            outcome = run_task(task, load, _teller(connection))
        except (UsageError, WeightsError) as error:
            outcome = Outcome(task.job, "failed", error=error)
        except KeyboardInterrupt:
            outcome = Outcome(task.job, "interrupted")
        except Exception as error:  # a fault of ours costs this clip only
            outcome = Outcome(task.job, "failed", error=VidtrackError(f"{type(error).__name__}: {error}"))
        connection.send(outcome)


def _listen(connection: Connection, tasks: queue.SimpleQueue[Task]) -> None:
    with contextlib.suppress(EOFError, OSError):
        while True:
            tasks.put(connection.recv())
    sys.stderr = None  # nobody is left to read it
    os._exit(1)


def _teller(connection: Connection) -> Any:
    last = 0.0

    def tell(progress: Any) -> None:
        nonlocal last
        if time.monotonic() - last >= _TELL_EVERY:
            last = time.monotonic()
            connection.send(progress)

    return tell
