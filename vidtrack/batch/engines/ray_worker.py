"""What runs on a Ray cluster: a worker that is asked for its news."""

from __future__ import annotations

import os
import queue
from contextlib import suppress

from vidtrack.batch.engine import News
from vidtrack.batch.worker import Worker
from vidtrack.core.errors import UsageError
from vidtrack.core.metadata import version_of
from vidtrack.model.choice import ModelChoice


class RayWorker(Worker):
    """Made an actor by the engine; `folder` is the one that the engine's relative paths begin in.

    Raises UsageError on a node with another version than the engine's.
    """

    def __init__(self, choice: ModelChoice, version: str, folder: str) -> None:
        if (own := version_of("vidtrack")) != version:
            raise UsageError(
                f"the Ray cluster runs vidtrack {own}, this machine {version}", "install the same version there"
            )
        with suppress(OSError):  # a node need not have it if everything is at addresses
            os.chdir(folder)
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        super().__init__(choice, self._news.put)

    def news(self, timeout_seconds: float) -> list[News]:
        """Events since the last call; waits for one up to the given time."""
        try:
            found = [self._news.get(timeout=timeout_seconds)]
        except queue.Empty:
            return []
        while not self._news.empty():
            found.append(self._news.get())
        return found
