"""How a batch is going, on stderr: for people at a terminal, for log files and for programs."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections import Counter
from types import TracebackType
from typing import TYPE_CHECKING, Any

from vidtrack.batch.engine import Crashed, Event, Progressed, Started
from vidtrack.cli.options import ProgressStyle
from vidtrack.cli.progress import clock, closing_line, complaints
from vidtrack.core.errors import printable

if TYPE_CHECKING:
    from vidtrack.batch.engine import Outcome, Task
    from vidtrack.batch.remote import Place
    from vidtrack.core.stages import Progress

_PLAIN_EVERY, _JSON_EVERY = 10.0, 1.0  # seconds
_SETTLED_SECONDS = 5.0  # of work, before anything is said of the time left


def dashboard(style: ProgressStyle, done_before: int) -> Dashboard:
    """The dashboard of that style; auto is rich on a terminal and plain elsewhere."""
    if style is ProgressStyle.auto:
        style = ProgressStyle.rich if sys.stderr.isatty() else ProgressStyle.plain
    kinds = {ProgressStyle.rich: _Rich, ProgressStyle.plain: _Plain, ProgressStyle.json: _Json}
    return kinds.get(style, Dashboard)(done_before)


class Dashboard:
    """Adds up events and shows errors; the other styles show more. Time left goes by bytes of clips."""

    def __init__(self, done_before: int) -> None:
        self.done_before = done_before
        self.tasks: dict[int, tuple[Task, int]] = {}  # by number, with the bytes of the clip
        self.counts: Counter[str] = Counter()
        self.workers: dict[int, str] = {}
        self._numbers: dict[Place, int] = {}
        self._under_way: dict[int, Progress] = {}  # by number
        self._bytes = self._bytes_done = self._frames_done = 0
        self._began = time.monotonic()
        self._first_news: float | None = None  # when the first frame was done or clip over: models are loaded by then

    def add(self, task: Task, size: int) -> None:
        """Take a task that is to be done."""
        self.tasks[task.number] = task, max(0, size)
        self._bytes += max(0, size)
        self._numbers[task.job.source] = task.number

    def event(self, event: Event) -> None:
        """Take an event of the engine."""
        name = self.tasks[event.number][0].job.source.name
        if isinstance(event, Started):
            self.workers[event.worker] = name
        elif isinstance(event, Progressed):
            self._first_news = self._first_news or time.monotonic()
            self._under_way[event.number] = event.progress
            self.workers[event.worker] = f"{name}: {event.progress.frames}/{event.progress.expected or '?'} frames"
        else:
            self.workers.pop(event.worker, None)
            if isinstance(event, Crashed):
                self._under_way.pop(event.number, None)
                self.show_crash(event)
        self.show(event)

    def outcome(self, outcome: Outcome) -> None:
        """Take the end of a clip."""
        self.counts[outcome.status] += 1
        number = self._numbers[outcome.job.source]
        self._first_news = self._first_news or time.monotonic()
        self._under_way.pop(number, None)
        self._bytes_done += self.tasks[number][1]
        if outcome.result is not None:
            self._frames_done += outcome.result.frames - outcome.result.resumed
        self.show_outcome(outcome)

    @property
    def ended(self) -> int:
        """Clips that are over."""
        return sum(self.counts.values())

    @property
    def failed(self) -> int:
        """Clips that failed or were set aside."""
        return self.counts["failed"] + self.counts["aside"]

    def rate(self) -> float:
        """Frames a second of all workers together."""
        frames = self._frames_done + sum(now.frames - now.resumed for now in self._under_way.values())
        return frames / max(1e-3, time.monotonic() - self._began)

    def eta_seconds(self) -> float | None:
        """Seconds left, None before there is anything to go by."""
        worked = 0.0 if self._first_news is None else time.monotonic() - self._first_news
        if worked < _SETTLED_SECONDS:
            return None
        done: float = self._bytes_done
        for number, now in self._under_way.items():
            if now.expected:
                done += self.tasks[number][1] * min(1, now.frames / now.expected)
        return worked * (self._bytes - done) / done if done else None

    def line(self) -> str:
        """The state of the batch in a line."""
        eta = self.eta_seconds()
        failures = f", {self.failed} failed" if self.failed else ""
        before = f", {self.done_before} done before" if self.done_before else ""
        left = "" if eta is None else f", {clock(eta)} left"
        return f"{self.ended}/{len(self.tasks)} clips{failures}{before}, {self.rate():.1f} fps{left}"

    def show(self, event: Event) -> None:
        """Show the state of the batch."""

    def show_crash(self, event: Crashed) -> None:
        """Show that a worker died."""
        self.say(f"{self.tasks[event.number][0].job.source.name}: {event.reason}")

    def show_outcome(self, outcome: Outcome) -> None:
        """Show the end of a clip; here only what is wrong with it."""
        for line in complaints(outcome):
            self.say(line)

    def warn(self, text: str) -> None:
        """Say what is wrong with the batch as a whole."""
        self.say(f"vidtrack: warning: {text}")

    def say(self, line: str) -> None:
        """Print a line; where nobody can read it, the work goes on all the same."""
        with contextlib.suppress(OSError):
            print(printable(line), file=sys.stderr, flush=True)

    def __enter__(self) -> Dashboard:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        pass


class _Plain(Dashboard):
    def __init__(self, done_before: int) -> None:
        super().__init__(done_before)
        self._shown = time.monotonic()

    def show(self, event: Event) -> None:
        if time.monotonic() - self._shown >= _PLAIN_EVERY:
            self._shown = time.monotonic()
            self.say(self.line())

    def show_outcome(self, outcome: Outcome) -> None:
        super().show_outcome(outcome)
        if line := closing_line(outcome):
            self.say(line)


class _Json(Dashboard):
    def __init__(self, done_before: int) -> None:
        super().__init__(done_before)
        self._shown = 0.0

    def show(self, event: Event) -> None:
        if isinstance(event, Started):
            self._emit(event="started", source=self._source(event), worker=event.worker)
        elif time.monotonic() - self._shown >= _JSON_EVERY:
            self._shown = time.monotonic()
            eta = self.eta_seconds()
            self._emit(
                event="batch",
                clips=len(self.tasks),
                ended=self.ended,
                failed=self.failed,
                done_before=self.done_before,
                fps=round(self.rate(), 2),
                eta_seconds=None if eta is None else round(eta, 1),
                workers=self.workers,
            )

    def show_crash(self, event: Crashed) -> None:
        self._emit(event="crashed", source=self._source(event), worker=event.worker, reason=event.reason)

    def show_outcome(self, outcome: Outcome) -> None:
        from vidtrack.cli.summary import outcome_record

        self._emit(event="outcome", **outcome_record(outcome))

    def warn(self, text: str) -> None:
        self._emit(event="warning", message=text)

    def _source(self, event: Event) -> str:
        return str(self.tasks[event.number][0].job.source)

    def _emit(self, **values: Any) -> None:
        self.say(json.dumps(values, ensure_ascii=False))


class _Rich(_Plain):
    def __init__(self, done_before: int) -> None:
        from rich.console import Console
        from rich.live import Live

        super().__init__(done_before)
        self._live = Live(console=Console(stderr=True), transient=True, refresh_per_second=4)

    def show(self, event: Event) -> None:
        self._draw()

    def show_outcome(self, outcome: Outcome) -> None:
        super().show_outcome(outcome)
        self._draw()

    def _draw(self) -> None:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        rows = Table.grid()
        rows.add_row(Text(self.line()))
        rows.add_row(ProgressBar(total=len(self.tasks), completed=self.ended, width=60))
        for index, what in sorted(self.workers.items()):
            rows.add_row(Text(printable(f"  worker {index}  {what}"), no_wrap=True, overflow="ellipsis"))
        self._live.update(rows)

    def say(self, line: str) -> None:
        self._live.console.print(printable(line), markup=False, highlight=False, soft_wrap=True)

    def __enter__(self) -> Dashboard:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._live.stop()
