"""Work that overlaps: iterators that run in threads of their own, a few items ahead of whoever takes them."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_POLL_SECONDS = 0.1  # how often a blocked thread looks whether it should end; also lets Ctrl-C through on Windows
_END = object()


@dataclass(frozen=True)
class Progress:
    """How far a clip is; `expected` frames is an estimate, None where the file does not say."""

    frames: int
    expected: int | None
    tracks: int
    clip_seconds: float
    resumed: int = 0  # frames that an earlier run had done
    note: str = ""  # something to tell, at the beginning of a clip


@dataclass
class Lap:
    """Time spent on one kind of work."""

    seconds: float = 0.0
    count: int = 0


class Stopwatch:
    """Adds up where time goes; each name belongs to one thread."""

    def __init__(self) -> None:
        self.laps: dict[str, Lap] = {}

    @contextmanager
    def lap(self, name: str) -> Iterator[None]:
        """Count the time of the block under `name`."""
        began = time.perf_counter()
        try:
            yield
        finally:
            lap = self.laps.setdefault(name, Lap())
            lap.seconds += time.perf_counter() - began
            lap.count += 1


class Stages:
    """A chain of threads joined by bounded queues.

    `stop` ends the chain gracefully: the first stage gives no more, and what is under way is finished. Leaving the
    context ends it at once. An error in a stage is raised where its items are taken.
    """

    def __init__(self, watch: Stopwatch, depth: int = 4) -> None:
        self._watch = watch
        self._depth = depth
        self._stopping = threading.Event()
        self._leaving = threading.Event()
        self._threads: list[threading.Thread] = []

    def first(self, name: str, items: Iterable[T]) -> Iterator[T]:
        """Start the stage that `stop` ends; `items` are drawn in its thread."""
        return _Stage(name, _until(self._stopping, items), self._depth, self._leaving, self._watch, self._threads)

    def then(self, name: str, items: Iterable[T]) -> Iterator[T]:
        """Start a further stage; `items` is a generator over the stage before."""
        return _Stage(name, items, self._depth, self._leaving, self._watch, self._threads)

    def stop(self) -> None:
        """Let the first stage give no more."""
        self._stopping.set()

    def drain(self, items: Iterator[T], report: Callable[[T], None]) -> bool:
        """Take all items of the last stage; True where an interrupt made the first one stop early."""
        interrupted = False
        while True:
            try:
                for item in items:
                    report(item)
                return interrupted
            except KeyboardInterrupt:
                if interrupted:  # asked twice
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
    """Not a generator: an interrupt that arrives while the caller waits does not end it."""

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
                if not self._thread.is_alive() and self._queue.empty():  # an interrupt may have swallowed the end
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
        except BaseException as error:  # handed to whoever takes the items
            self._failure = error
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
