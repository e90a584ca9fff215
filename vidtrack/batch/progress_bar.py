"""A progress bar for scripts and notebooks."""

from __future__ import annotations

import html
import sys
import time
from collections import Counter
from types import TracebackType
from typing import Any

from vidtrack.batch.events import BatchEvent, ClipFinished, ClipProgressed, ClipsQueued
from vidtrack.core.errors import printable
from vidtrack.core.stages import Progress
from vidtrack.core.status import Status
from vidtrack.core.wording import plural

_EVERY_SECONDS, _EVERY_SECONDS_IN_FILES = 0.2, 10.0


class ProgressBar:
    """One line that is redrawn in place: in a notebook as a bar, on a terminal on stderr, in a file every 10 s.

    Give it as `progress=` to `track_video`, or as `on_event=` to `track_batch`; one per call.
    """

    def __init__(self) -> None:
        self._began, self._drawn, self._open = time.monotonic(), float("-inf"), False
        self._display: Any = None
        self._notebook = _in_notebook()
        self._terminal = not self._notebook and sys.stderr is not None and sys.stderr.isatty()
        self._clips = 0
        self._ended: Counter[str] = Counter()
        self._active: dict[str, Progress] = {}

    def __call__(self, news: Progress | BatchEvent) -> None:
        """Show what `track_video` or `track_batch` reports."""
        if isinstance(news, Progress):
            last = news.expected is not None and news.frames >= news.expected
            self._draw(_share(news), self._clip_line(news), last)
        elif isinstance(news, ClipsQueued):
            self._clips += len(news.clips)
        elif isinstance(news, ClipProgressed):
            self._active[news.job.source.name] = news.progress
            self._draw_batch()
        elif isinstance(news, ClipFinished):
            self._active.pop(news.outcome.job.source.name, None)
            self._ended[news.outcome.status] += 1
            self._draw_batch()

    def close(self) -> None:
        """End the line."""
        if self._open and self._terminal:
            print(file=sys.stderr)
        self._open = False

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _clip_line(self, now: Progress) -> str:
        elapsed = time.monotonic() - self._began
        rate = (now.frames - now.resumed) / elapsed if elapsed > 0 else 0.0
        ahead = max(0, (now.expected or 0) - now.frames)
        left = f", {ahead / rate:.0f} s left" if ahead and rate else ""
        tracks = plural(now.tracks, "track")
        return f"{now.frames}/{now.expected or '?'} frames, {tracks}, {rate:.1f} fps{left}"

    def _draw_batch(self) -> None:
        ended, failed = self._ended.total(), self._ended[Status.FAILED] + self._ended["quarantined"]
        done = ended - failed - self._ended[Status.INTERRUPTED]
        parts = [f"{done}/{plural(self._clips, 'clip')} done"] + ([f"{failed} failed"] if failed else [])
        active = ", ".join(f"{name} {now.frames}/{now.expected or '?'}" for name, now in self._active.items())
        share = (ended + sum(map(_share, self._active.values()))) / max(1, self._clips)
        self._draw(share, ", ".join(parts) + (f": {active}" if active else ""), ended >= self._clips)

    def _draw(self, share: float, line: str, last: bool) -> None:
        every = _EVERY_SECONDS if self._notebook or self._terminal else _EVERY_SECONDS_IN_FILES
        if not last and time.monotonic() - self._drawn < every:
            return
        self._drawn = time.monotonic()
        line = printable(line)
        if self._notebook:
            self._draw_in_notebook(share, line)
        elif self._terminal:
            self._open = True
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        elif sys.stderr is not None:
            print(line, file=sys.stderr, flush=True)
        if last:
            self.close()

    def _draw_in_notebook(self, share: float, line: str) -> None:
        from IPython.display import HTML, display

        bar = HTML(f'<progress max="1" value="{share:.4f}"></progress> {html.escape(line)}')
        if self._display is None:
            self._display = display(bar, display_id=True)
        else:
            self._display.update(bar)


def _share(now: Progress) -> float:
    return min(1.0, now.frames / now.expected) if now.expected else 0.0


def _in_notebook() -> bool:
    """True in a Jupyter kernel, whose output can be replaced."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")
