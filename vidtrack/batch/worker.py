"""What a worker does, wherever it lives: tracks clips with one model, tells how far they are, stops when told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from vidtrack.batch.engine import News, Outcome, Task
from vidtrack.batch.run import run_task
from vidtrack.core.errors import UsageError, VidtrackError, WeightsError
from vidtrack.core.stages import Progress
from vidtrack.core.status import Status
from vidtrack.model.batching import DynamicBatcher
from vidtrack.model.choice import ModelChoice
from vidtrack.model.protocol import Detector

_TELL_EVERY = 0.2  # seconds between two messages about the progress of a clip


class Worker:
    """Tracks each clip in a thread; if there are several `clips` at a time, their frames share batches.

    `tell` hears of the progress of each task, and of its outcome when it ends, whatever went wrong.
    """

    def __init__(self, choice: ModelChoice, tell: Callable[[News], None], clips: int = 1) -> None:
        self._choice, self._tell = choice, tell
        self._gatherer = DynamicBatcher() if clips > 1 else None
        self._model: Detector | None = None
        self._loading = threading.Lock()
        self._stops: dict[int, threading.Event] = {}

    def begin(self, task: Task) -> None:
        """Track a clip from now on."""
        stop = self._stops[task.number] = threading.Event()
        threading.Thread(target=self._run, args=(task, stop), name=f"vidtrack-clip-{task.number}", daemon=True).start()

    def interrupt(self) -> None:
        """Let the clips under way end after their current frame; what is done of them is kept."""
        for stop in list(self._stops.values()):
            stop.set()

    def _run(self, task: Task, stop: threading.Event) -> None:
        try:
            outcome = self._track(task, stop)
        except (UsageError, WeightsError) as error:  # would meet every clip alike
            outcome = Outcome(task.job, Status.FAILED, error=error)
        except Exception as error:  # a fault of ours costs this clip only
            outcome = Outcome(task.job, Status.FAILED, error=VidtrackError(f"{type(error).__name__}: {error}"))
        del self._stops[task.number]
        self._tell((task.number, outcome))

    def _track(self, task: Task, stop: threading.Event) -> Outcome:
        told = float("-inf")
        stopped = False

        def heed(progress: Progress) -> None:
            nonlocal told, stopped
            if time.monotonic() - told >= _TELL_EVERY or progress.note:
                told = time.monotonic()
                self._tell((task.number, progress))
            if stop.is_set() and not stopped:
                stopped = True
                raise KeyboardInterrupt  # as the main thread would meet it

        def load() -> Detector:
            model = self._load()
            if stop.is_set():
                raise KeyboardInterrupt
            return model

        if self._gatherer is None:
            return run_task(task, load, heed)
        with self._gatherer.joined():
            return run_task(task, load, heed, self._gatherer)

    def _load(self) -> Detector:
        with self._loading:
            self._model = self._model or self._choice.load()
            return self._model
