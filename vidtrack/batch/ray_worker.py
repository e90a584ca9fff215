"""What runs on a Ray cluster: a worker that is asked for its news."""

from __future__ import annotations

import queue

from vidtrack.batch.engine import ModelChoice, Outcome, Task
from vidtrack.batch.worker import Worker
from vidtrack.errors import UsageError
from vidtrack.stages import Progress
from vidtrack.tracklog.stamp import version_of

_News = tuple[int, Progress | Outcome]  # number of the task, and how far it is or how it ended


class RayWorker:
    """Made an actor by the engine; raises UsageError on a node with another version than the engine's."""

    def __init__(self, choice: ModelChoice, version: str) -> None:
        if (own := version_of("vidtrack")) != version:
            raise UsageError(f"the Ray cluster has vidtrack {own}, here is {version}", "install the same version there")
        self._news: queue.SimpleQueue[_News] = queue.SimpleQueue()
        self._worker = Worker(choice, lambda number, news: self._news.put((number, news)))

    def begin(self, task: Task) -> None:
        """Track a clip from now on."""
        self._worker.begin(task)

    def news(self, timeout_seconds: float) -> list[_News]:
        """What has happened since the last call, waiting for it so long."""
        try:
            found = [self._news.get(timeout=timeout_seconds)]
        except queue.Empty:
            return []
        while not self._news.empty():
            found.append(self._news.get())
        return found

    def interrupt(self) -> None:
        """Let the clip under way end after its current frame."""
        self._worker.interrupt()
