"""Worker processes on this machine: each loads the model once and tracks clip after clip, or several at a time."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING

from vidtrack.batch.config import BatchConfig
from vidtrack.batch.engine import Crashed, Ended, Event, News, Outcome, Progressed, Started, Task
from vidtrack.core.errors import ResourceError, printable
from vidtrack.model.choice import ModelChoice

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

_PATIENCE = 5.0  # seconds for a worker to end by itself
_LONGEST_FOLDER = 64  # bytes; the server listens at a socket in the folder of temporary files, whose path may be 107


_SAFE_PATH = "PYTHONSAFEPATH"


@dataclass
class _Process:
    index: int
    process: BaseProcess
    connection: Connection
    tasks: dict[int, Task] = field(default_factory=dict)  # by place, 0 to the number of clips at a time


class LocalEngine:
    """A process for each of `choices`, of which every one tracks `clips` clips at a time with one model.

    Clips in one process share batches of frames. If a process dies over several, each of them is tried again
    without company, so that none suffers twice for another.
    """

    def __init__(self, choices: list[ModelChoice], clips: int = 1) -> None:
        self.workers = len(choices) * clips
        self._choices, self._clips = choices, clips
        self._context = _context()
        self._live: list[_Process] = []
        self._queue: deque[Task] = deque()
        self._suspects: set[int] = set()  # tasks over one of which a process died
        self._early: deque[Event] = deque()

    def submit(self, task: Task) -> None:
        """Give the task to a free process, or start one."""
        self._queue.append(task)
        self._hand_out()

    def events(self, timeout_seconds: float) -> list[Event]:
        """Messages of the workers, and their deaths."""
        found: list[Event] = list(self._early)
        self._early.clear()
        ready = wait([one.connection for one in self._live], 0 if found else timeout_seconds)
        for one in [one for one in self._live if one.connection in ready]:
            try:
                while one.connection.poll():
                    self._take(one, one.connection.recv(), found)
            except (EOFError, OSError):
                self._bury(one, found)
        self._hand_out()
        return found

    def interrupt(self) -> None:
        """Let the clips under way end after their current frame."""
        for one in self._live:
            with contextlib.suppress(OSError):
                one.connection.send(None)

    def kill(self, number: int) -> None:
        """Kill the process of a task."""
        for one in self._live:
            if any(task.number == number for task in one.tasks.values()):
                one.process.kill()

    def close(self) -> None:
        """End the processes: idle ones by their closed pipe, others by force."""
        for one in self._live:
            if one.tasks:
                one.process.kill()
            one.connection.close()
        until = time.monotonic() + _PATIENCE
        for one in self._live:
            one.process.join(max(0.0, until - time.monotonic()))
            if one.process.is_alive():
                one.process.kill()
                one.process.join()
        self._live.clear()

    def _hand_out(self) -> None:
        """Give waiting tasks to processes with room for them, in their order."""
        while self._queue and (one := self._with_room(self._queue[0])) is not None:
            task = self._queue.popleft()
            place = min(set(range(self._clips)) - one.tasks.keys())
            one.tasks[place] = task
            self._early.append(Started(task.number, self._worker(one, place)))
            with contextlib.suppress(OSError):  # died while idle: `events` sees it
                one.connection.send(task)

    def _with_room(self, task: Task) -> _Process | None:
        """The least busy process that may take the task, a new one rather than a busy one."""
        least = min(self._live, key=lambda one: len(one.tasks), default=None)
        if (least is None or least.tasks) and len(self._live) < len(self._choices):
            return self._start(min(set(range(len(self._choices))) - {one.index for one in self._live}))
        if least is None or len(least.tasks) == self._clips:
            return None
        if least.tasks and task.number in self._suspects:
            return None
        return None if any(other.number in self._suspects for other in least.tasks.values()) else least

    def _start(self, index: int) -> _Process:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_serve,
            args=(theirs, self._choices[index], self._clips),
            name=f"vidtrack-worker-{index}",
            daemon=True,
        )
        try:
            with _safe_start():
                process.start()
        except (EOFError, OSError) as error:  # the server from which processes are forked has died
            raise ResourceError(
                f"cannot start a worker process: {error or type(error).__name__}", "is there enough memory?"
            ) from None
        theirs.close()
        self._live.append(_Process(index, process, ours))
        return self._live[-1]

    def _take(self, one: _Process, news: News, found: list[Event]) -> None:
        number, what = news
        place = next(place for place, task in one.tasks.items() if task.number == number)
        if isinstance(what, Outcome):
            found.append(Ended(number, self._worker(one, place), replace(what, job=one.tasks.pop(place).job)))
        else:
            found.append(Progressed(number, self._worker(one, place), what))

    def _bury(self, one: _Process, found: list[Event]) -> None:
        self._live.remove(one)
        one.connection.close()
        one.process.join(_PATIENCE)
        if len(one.tasks) > 1:
            self._suspects.update(task.number for task in one.tasks.values())
        for place, task in one.tasks.items():
            found.append(Crashed(task.number, self._worker(one, place), _cause(one.process.exitcode)))

    def _worker(self, one: _Process, place: int) -> int:
        return one.index * self._clips + place


def open_engine(model: ModelChoice, config: BatchConfig, tasks: int | None) -> LocalEngine:
    """As many processes as `config.jobs` asks for, or one per device; on one GPU, one process for several clips."""
    devices = [model.device]
    if model.device in ("auto", "cuda"):  # the only ones that may mean several; finding out takes PyTorch's start
        from vidtrack.model.device import worker_devices

        devices = worker_devices(model.device)
    workers = config.jobs or len(devices)
    threads = model.threads or max(1, (os.cpu_count() or 1) // workers)
    workers = workers if tasks is None else min(workers, tasks)
    processes = min(workers, len(devices)) if devices[0].startswith("cuda") else workers
    choices = [replace(model, device=device, threads=threads) for device in devices]
    return LocalEngine([choices[index % len(choices)] for index in range(processes)], math.ceil(workers / processes))


def _context() -> SpawnContext | ForkServerContext:
    """Processes started afresh: in copies of this one its threads and CUDA would be unusable.

    On Linux they are copies of a server instead, and so share the time and the memory of one import of PyTorch.
    """
    fits = len(os.fsencode(tempfile.gettempdir())) < _LONGEST_FOLDER
    if sys.platform != "linux" or not fits:  # system libraries of macOS do not bear to be copied
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["vidtrack.batch.worker"])
    return context


def _cause(code: int | None) -> str:
    """What a process died of."""
    if code is None or code >= 0:
        return f"its worker ended with code {code}"
    with contextlib.suppress(ValueError):
        name = signal.Signals(-code).name
        return f"its worker was killed ({name}{', often for lack of memory' if name == 'SIGKILL' else ''})"
    return f"its worker was killed by signal {-code}"


@contextmanager
def _safe_start() -> Iterator[None]:
    """Start processes that import nothing from the current folder and never see the terminal's interrupt.

    Python starts them with `-c`, for which it would search the current folder first. The parent tells them when to
    stop.
    """
    safe_path = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        with _interrupts_blocked():
            yield
    finally:
        if safe_path is None:
            del os.environ[_SAFE_PATH]
        else:
            os.environ[_SAFE_PATH] = safe_path


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # its start would lift the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, choice: ModelChoice, clips: int) -> None:
    """A worker's life; it ends with its parent, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        from vidtrack.batch.worker import Worker  # PyTorch, which the parent does without
    except (ImportError, MemoryError, OSError, RuntimeError, SystemError) as error:
        print(printable(f"vidtrack: a worker cannot start: {error}"), file=sys.stderr)
        os._exit(1)

    worker = Worker(choice, partial(_send, connection, threading.Lock()), clips)
    with contextlib.suppress(EOFError, OSError):
        while True:
            task: Task | None = connection.recv()
            if task is None:
                worker.interrupt()
            else:
                worker.begin(task)
    sys.stderr = None  # nobody is left to read it
    os._exit(1)


def _send(connection: Connection, lock: threading.Lock, news: News) -> None:
    with lock, contextlib.suppress(OSError):  # without a parent this process is about to end
        connection.send(news)
