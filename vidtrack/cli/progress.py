"""Progress on stderr, for people at a terminal, for log files and for programs."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from vidtrack.cli.options import ProgressStyle
from vidtrack.core.errors import printable

if TYPE_CHECKING:
    from vidtrack.batch.engine import Outcome
    from vidtrack.batch.plan import Job
    from vidtrack.core.stages import Progress

_PLAIN_EVERY, _JSON_EVERY = 10.0, 1.0  # seconds


def reporter(style: ProgressStyle, jobs: Sequence[Job]) -> Reporter:
    """The reporter of that style; auto is rich on a terminal and plain elsewhere."""
    if style is ProgressStyle.auto:
        style = ProgressStyle.rich if sys.stderr.isatty() else ProgressStyle.plain
    kinds = {ProgressStyle.rich: _Rich, ProgressStyle.plain: _Plain, ProgressStyle.json: _Json}
    return kinds.get(style, Reporter)(jobs)


class Reporter:
    """Shows errors and what else nobody may miss; the other styles show more."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs = jobs
        self._ended = 0
        self._began: float | None = None

    def progress(self, now: Progress) -> None:
        """Take the state of the clip at work."""
        self._began = self._began or time.monotonic()
        if now.note:
            self.note(now.note)
        else:
            self.show(now)

    def outcome(self, outcome: Outcome) -> None:
        """Take the end of a clip."""
        self.show_outcome(outcome)
        self._ended += 1
        self._began = None

    def show(self, now: Progress) -> None:
        """Show the state of the clip at work."""

    def show_outcome(self, outcome: Outcome) -> None:
        """Show the end of a clip; here only what is wrong with it."""
        for line in complaints(outcome):
            self.say(line)

    def note(self, text: str) -> None:
        """Say how the clip at work begins."""
        self.say(f"{self.name}: {text}")

    def made(self, line: str, record: dict[str, Any]) -> None:
        """Take what was made in other work than tracking: a line for people, values for programs."""

    def say(self, line: str) -> None:
        """Print a line; where nobody can read it, the work goes on all the same."""
        with contextlib.suppress(OSError):
            print(printable(line), file=sys.stderr, flush=True)

    @property
    def name(self) -> str:
        """The clip at work."""
        return self.jobs[self._ended].source.name

    def rate(self, now: Progress) -> float:
        """Frames a second since the clip's first one."""
        elapsed = time.monotonic() - (self._began or 0)
        done = now.frames - now.resumed
        return (done - 1) / elapsed if done > 1 and elapsed > 0 else 0.0

    def eta_seconds(self, now: Progress) -> float | None:
        """Seconds left of the clip."""
        rate = self.rate(now)
        return max(0, now.expected - now.frames) / rate if now.expected and rate else None

    def __enter__(self) -> Reporter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        pass


class _Plain(Reporter):
    def __init__(self, jobs: Sequence[Job]) -> None:
        super().__init__(jobs)
        self._shown = time.monotonic()

    def show(self, now: Progress) -> None:
        if time.monotonic() - self._shown < _PLAIN_EVERY:
            return
        self._shown = time.monotonic()
        eta = self.eta_seconds(now)
        left = "" if eta is None else f", {clock(eta)} left"
        self.say(f"{self.name}: {now.frames}/{now.expected or '?'} frames, {self.rate(now):.1f} fps{left}")

    def show_outcome(self, outcome: Outcome) -> None:
        super().show_outcome(outcome)
        line = closing_line(outcome)
        if line:
            self.say(line)

    def made(self, line: str, record: dict[str, Any]) -> None:
        self.say(line)


class _Json(Reporter):
    def __init__(self, jobs: Sequence[Job]) -> None:
        super().__init__(jobs)
        self._shown = 0.0

    def show(self, now: Progress) -> None:
        if time.monotonic() - self._shown < _JSON_EVERY:
            return
        self._shown = time.monotonic()
        eta = self.eta_seconds(now)
        self._emit(
            event="progress",
            source=str(self.jobs[self._ended].source),
            clip=self._ended + 1,
            clips=len(self.jobs),
            frames=now.frames,
            expected=now.expected,
            tracks=now.tracks,
            fps=round(self.rate(now), 2),
            eta_seconds=None if eta is None else round(eta, 1),
        )

    def note(self, text: str) -> None:
        self._emit(event="note", source=str(self.jobs[self._ended].source), message=text)

    def show_outcome(self, outcome: Outcome) -> None:
        from vidtrack.cli.summary import outcome_record

        self._emit(event="outcome", **outcome_record(outcome))

    def made(self, line: str, record: dict[str, Any]) -> None:
        self._emit(event="made", **record)

    def _emit(self, **values: Any) -> None:
        self.say(json.dumps(values, ensure_ascii=False))


class _Rich(Reporter):
    def __init__(self, jobs: Sequence[Job]) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        super().__init__(jobs)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
            console=Console(stderr=True),
            transient=True,
        )
        self._task: Any = None

    def show(self, now: Progress) -> None:
        if self._task is None:
            which = f"[{self._ended + 1}/{len(self.jobs)}] " if len(self.jobs) > 1 else ""
            self._task = self._bar.add_task(printable(f"{which}{self.name}"), total=now.expected, figures="")
        eta = self.eta_seconds(now)
        figures = f"{self.rate(now):.1f} fps  {now.tracks} tracks{'' if eta is None else f'  {clock(eta)} left'}"
        self._bar.update(self._task, completed=now.frames, figures=figures)

    def show_outcome(self, outcome: Outcome) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
        super().show_outcome(outcome)
        line = closing_line(outcome)
        if line:
            self.say(line)

    def made(self, line: str, record: dict[str, Any]) -> None:
        self.say(line)

    def say(self, line: str) -> None:
        self._bar.console.print(printable(line), markup=False, highlight=False, soft_wrap=True)

    def __enter__(self) -> Reporter:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._bar.stop()


def complaints(outcome: Outcome) -> list[str]:
    """Lines about what is wrong with a clip."""
    if outcome.error is not None:
        source, error = str(outcome.job.source), outcome.error
        named = "" if source in error.message else f"{' '.join(source.splitlines())}: "
        return [f"vidtrack: error: {named}{error}"]
    if outcome.result is None:
        return []
    problems = outcome.result.problems
    shown = [f"{outcome.job.source.name}: warning: {problem.message}" for problem in problems[:5]]
    if len(problems) > len(shown):
        shown.append(f"{outcome.job.source.name}: {len(problems) - len(shown)} more warnings, as events in the log")
    return shown


def closing_line(outcome: Outcome) -> str:
    """What came of a clip, in a line; empty where it failed."""
    name = outcome.job.source.name
    if outcome.status == "skipped":
        return f"{name}: done before, skipped"
    if outcome.result is None:
        return ""
    result = outcome.result
    made = ", ".join(str(target) for target in outcome.job.outputs)
    ended = "" if result.status == "complete" else f"{result.status}: "
    return (
        f"{name}: {ended}{result.frames} frames, {result.tracks} tracks, {result.seconds:.1f} s "
        f"({result.frames_per_second:.1f} fps){' -> ' if made else ''}{made}"
    )


def clock(seconds: float) -> str:
    """H:MM:SS, or M:SS below an hour."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
