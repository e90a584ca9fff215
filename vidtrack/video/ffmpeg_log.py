"""FFmpeg's log messages, collected instead of printed."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar

import av


@dataclass(frozen=True)
class Problem:
    """Something that went wrong, or was left out, without ending the run.

    `index` and `pts` (stream time base, start subtracted) place it in the clip if that is known.
    """

    message: str
    index: int | None = None
    pts: int | None = None


class ProblemLog:
    """Problems in order; memory stays bounded on a badly damaged file."""

    kept = 1000

    def __init__(self) -> None:
        self.items: list[Problem] = []
        self.count = 0
        self.next_index: int | None = None

    def add(self, message: str, pts: int | None = None) -> None:
        """Record a problem at the next frame; beyond `kept` they are only counted."""
        self.count += 1
        if len(self.items) < self.kept:
            self.items.append(Problem(message, self.next_index, pts))

    def forget_after(self, count: int) -> None:
        """Drop all but the first `count` problems, because what led to them is repeated."""
        del self.items[count:]
        self.count, self.next_index = count, None


class FFmpegMessages:
    """FFmpeg's error messages while this is open, from all of its threads.

    FFmpeg has one log for the whole process: with two of these open at once, a message goes to the one that
    takes it first. Codec contexts must be flushed before they are freed while this is open, as freeing joins
    worker threads that may be waiting to write a message.
    """

    _lock = threading.Lock()
    _users: ClassVar[int] = 0
    _level_before: ClassVar[int | None] = None
    _capture: ClassVar[av.logging.Capture | None] = None
    _pending: ClassVar[list[tuple[int, str, str]]] = []

    def __init__(self) -> None:
        cls = FFmpegMessages
        with cls._lock:
            if cls._users == 0:
                cls._level_before = av.logging.get_level()
                cls._capture = av.logging.Capture(local=False)
                cls._pending = cls._capture.__enter__()
                av.logging.set_skip_repeated(False)
                av.logging.set_level(av.logging.ERROR)
            cls._users += 1
        self._open = True

    def take(self, names: Collection[str] = ()) -> list[str]:
        """The messages since the last call, oldest first; those of other parts than `names`, if given, are dropped."""
        with FFmpegMessages._lock:
            taken = list(FFmpegMessages._pending)
            del FFmpegMessages._pending[: len(taken)]
        return [
            f"{name}: {text.strip()}"
            for level, name, text in taken
            if level <= av.logging.ERROR and text.strip() and (not names or name in names)
        ]

    def description(self, container: Any) -> str:
        """What FFmpeg prints of a container: streams with their side data, groups of streams."""
        with FFmpegMessages._lock:
            av.logging.set_level(av.logging.INFO)  # at which FFmpeg prints it
            try:
                return container.dumps_format()
            finally:
                av.logging.set_level(av.logging.ERROR)

    def close(self) -> None:
        """Stop collecting; the last one open restores FFmpeg's log level."""
        if not self._open:
            return
        self._open = False
        cls = FFmpegMessages
        with cls._lock:
            cls._users -= 1
            if cls._users == 0 and cls._capture is not None:
                av.logging.set_level(cls._level_before)
                cls._capture.__exit__(None, None, None)
                cls._pending = []

    def __enter__(self) -> FFmpegMessages:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def summary(messages: list[str]) -> str:
    """One line for many messages."""
    return messages[0] if len(messages) == 1 else f"{messages[0]} (and {len(messages) - 1} more)"


def reason(error: BaseException) -> str:
    """The words of an error, without its number and file name."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
