"""Threaded pipeline stages joined by bounded queues."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_POLL_SECONDS = 0.1  # how often a blocked thread checks for the end; also lets Ctrl-C through on Windows
_END = object()


@dataclass(frozen=True)
class Progress:
    """Progress of a clip; `expected` frames is an estimate, None if unknown."""

    frames: int
    expected: int | None
    tracks: int
    clip_seconds: float
    resumed: int = 0  # frames finished by an earlier run
    note: str = ""  # shown once, at the start of a clip


@dataclass
class Lap:
    """Time spent on one kind of work."""

    seconds: float = 0.0
    count: int = 0


class Stopwatch:
    """Accumulates time per name; threads that share a name add up."""

    def __init__(self) -> None:
        self.laps: dict[str, Lap] = {}
        self._lock = threading.Lock()

    @contextmanager
    def lap(self, name: str) -> Iterator[None]:
        """Add the time of the block to `name`."""
        began = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - began
            with self._lock:
                lap = self.laps.setdefault(name, Lap())
                lap.seconds += seconds
                lap.count += 1


class Stages:
    """A chain of threads joined by bounded queues.

    `stop` ends the chain gracefully: the first stage yields nothing more, and items under way are finished; `on_stop`
    may wake a first stage that waits. Leaving the context ends it at once. An error in a stage is raised in the thread
    that takes its items.
    """

    def __init__(self, watch: Stopwatch, depth: int = 4, on_stop: Callable[[], None] = lambda: None) -> None:
        self._watch = watch
        self._on_stop = on_stop
        self._depth = depth
        self._stopping = threading.Event()
        self._leaving = threading.Event()
        self._threads: list[threading.Thread] = []

    def first(self, name: str, items: Iterable[T]) -> Iterator[T]:
        """Start the first stage, which `stop` ends; `items` is iterated in its thread."""
        return _Stage(name, _until(self._stopping, items), self._depth, self._leaving, self._watch, self._threads)

    def then(self, name: str, items: Iterable[T]) -> Iterator[T]:
        """Start another stage; `items` is a generator over the previous one."""
        return _Stage(name, items, self._depth, self._leaving, self._watch, self._threads)

    def parallel(
        self,
        name: str,
        function: Callable[[T], R],
        items: Iterable[T],
        workers: int,
        prepare: Callable[[], None] | None = None,
    ) -> Iterator[R]:
        """Start a stage that applies `function` to `items` in several threads; results keep the order of the items.

        At most `workers` + 1 items are under way. `prepare` runs once in each of the threads.
        """
        return self.then(name, _in_order(function, items, workers, prepare))

    def stop(self) -> None:
        """End the first stage."""
        self._stopping.set()
        self._on_stop()

    def drain(self, items: Iterator[T], report: Callable[[T], None]) -> bool:
        """Consume the last stage; True if an interrupt stopped the first one early."""
        interrupted = False
        while True:
            try:
                for item in items:
                    report(item)
                return interrupted
            except KeyboardInterrupt:
                if interrupted:  # second Ctrl-C
                    raise
                interrupted = True
                self.stop()

    def __enter__(self) -> Stages:
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.set()
        for thread in self._threads:
            thread.join()


class _Stage(Iterator[T], Generic[T]):
    """Not a generator, which an interrupt during the caller's wait would end."""

    def __init__(
        self,
        name: str,
        items: Iterable[T],
        depth: int,
        leaving: threading.Event,
        watch: Stopwatch,
        threads: list[threading.Thread],
    ) -> None:
        self._name, self._items, self._watch, self._leaving = name, items, watch, leaving
        self._queue: queue.Queue[Any] = queue.Queue(depth)
        self._failure: BaseException | None = None
        self._ended = False
        self._thread = threading.Thread(target=self._run, name=f"vidtrack-{name}", daemon=True)
        threads.append(self._thread)
        self._thread.start()

    def __next__(self) -> T:
        if self._ended:
            raise StopIteration
        with self._watch.lap(f"wait for {self._name}"):
            item = self._get()
        if item is not _END:
            return item
        self._ended = True
        if self._failure is not None:
            raise self._failure
        raise StopIteration

    def _get(self) -> Any:
        while not self._leaving.is_set():
            try:
                return self._queue.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                if not self._thread.is_alive() and self._queue.empty():  # an interrupt may have dropped the end marker
                    break
        return _END

    def _run(self) -> None:
        try:
            iterator = iter(self._items)
            while True:
                with self._watch.lap(self._name):
                    item = next(iterator, _END)
                if item is _END or not self._put(item):
                    break
        except BaseException as error:  # raised in the consumer
            self._failure = error
        if isinstance(self._items, Generator):
            self._items.close()
        self._put(_END)

    def _put(self, item: Any) -> bool:
        with self._watch.lap(f"{self._name} held up"):
            while not self._leaving.is_set():
                try:
                    self._queue.put(item, timeout=_POLL_SECONDS)
                    return True
                except queue.Full:
                    continue
        return False


def _until(stopping: threading.Event, items: Iterable[T]) -> Iterator[T]:
    for item in items:
        if stopping.is_set():
            return
        yield item


def _in_order(
    function: Callable[[T], R], items: Iterable[T], workers: int, prepare: Callable[[], None] | None
) -> Iterator[R]:
    pool = ThreadPoolExecutor(workers, "vidtrack-worker", prepare)
    under_way: deque[Future[R]] = deque()
    try:
        for item in items:
            under_way.append(pool.submit(function, item))
            if len(under_way) > workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
