"""Progress on stderr, for people at a terminal, for log files and for programs; one clip is a batch of one."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any

from vidtrack.cli.batch_progress import BatchProgress, Clip
from vidtrack.cli.options import ProgressStyle
from vidtrack.cli.summary import closing_line, complaints, outcome_record
from vidtrack.core.errors import printable
from vidtrack.core.wording import plural

if TYPE_CHECKING:
    from vidtrack.batch.engine import Outcome
    from vidtrack.batch.events import BatchEvent
    from vidtrack.batch.remote import Location
    from vidtrack.core.stages import Progress

_PLAIN_EVERY, _JSON_EVERY = 10.0, 1.0  # seconds


def reporter(style: ProgressStyle) -> Reporter:
    """The reporter of that style; auto is rich on a terminal and plain elsewhere."""
    if style is ProgressStyle.auto:
        style = ProgressStyle.rich if sys.stderr.isatty() else ProgressStyle.plain
    kinds = {ProgressStyle.rich: _Rich, ProgressStyle.plain: _Plain, ProgressStyle.json: _Json}
    return kinds.get(style, Reporter)()


class Reporter:
    """Keeps count and prints errors and warnings only; the other styles print more."""

    def __init__(self) -> None:
        self.batch = BatchProgress()

    def __call__(self, event: BatchEvent) -> None:
        """Take an event of a batch."""
        from vidtrack.batch import events

        if isinstance(event, events.ClipsQueued):
            self.batch.done_before = event.done_before
            for job, size in event.clips:
                self.batch.queue(job.source, size)
        elif isinstance(event, events.ClipStarted):
            clip = self.batch.clips[event.job.source]
            clip.worker = event.worker
            self.show_start(clip)
        elif isinstance(event, events.ClipProgressed):
            self._advance(event.job.source, event.progress)
        elif isinstance(event, events.ClipCrashed):
            clip = self.batch.clips[event.job.source]
            clip.progress = None
            self.show_crash(clip, event.reason)
        elif isinstance(event, events.ClipFinished):
            self.finish(event.outcome)
        else:
            self.warn(event.message)

    def follow(self, source: Location) -> Callable[[Progress], None]:
        """Add a clip that is worked on now; returns what to call with its progress."""
        self.batch.queue(source)
        return partial(self._advance, source)

    def finish(self, outcome: Outcome) -> None:
        """Take the end of a clip."""
        self.batch.finish(outcome)
        self.show_outcome(outcome)

    def _advance(self, source: Location, progress: Progress) -> None:
        clip = self.batch.advance(source, progress)
        if progress.note:
            self.note(clip, progress.note)
        else:
            self.show(clip)

    def show_start(self, clip: Clip) -> None:
        """Show that a worker has started a clip."""

    def show(self, clip: Clip) -> None:
        """Show that a clip has progressed."""

    def show_crash(self, clip: Clip, reason: str) -> None:
        """Show that a worker died."""
        self.say(f"{clip.source.name}: {reason}")

    def show_outcome(self, outcome: Outcome) -> None:
        """Show the end of a clip; here only what is wrong with it."""
        for line in complaints(outcome):
            self.say(line)

    def note(self, clip: Clip, text: str) -> None:
        """Show how a clip starts."""
        self.say(f"{clip.source.name}: {text}")

    def warn(self, text: str) -> None:
        """Show what is wrong with the batch as a whole."""
        self.say(f"vidtrack: warning: {text}")

    def made(self, line: str, record: dict[str, Any]) -> None:
        """Show a file that was made by other work than tracking: a line for people, values for programs."""

    def failed(self, line: str, record: dict[str, Any]) -> None:
        """Show an input of other work than tracking that failed: a line for people, values for programs."""
        self.say(line)

    def say(self, line: str) -> None:
        """Print a line; the work continues even if nobody can read it."""
        with contextlib.suppress(OSError):
            print(printable(line), file=sys.stderr, flush=True)

    def __enter__(self) -> Reporter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        pass


class _Plain(Reporter):
    def __init__(self) -> None:
        super().__init__()
        self._shown = time.monotonic()

    def show(self, clip: Clip) -> None:
        if time.monotonic() - self._shown >= _PLAIN_EVERY:
            self._shown = time.monotonic()
            self.say(self.batch.line())

    def show_outcome(self, outcome: Outcome) -> None:
        super().show_outcome(outcome)
        if line := closing_line(outcome):
            self.say(line)

    def made(self, line: str, record: dict[str, Any]) -> None:
        self.say(line)


class _Json(Reporter):
    def __init__(self) -> None:
        super().__init__()
        self._shown = float("-inf")

    def show_start(self, clip: Clip) -> None:
        self._emit("started", source=str(clip.source), worker=clip.worker)

    def show(self, clip: Clip) -> None:
        if time.monotonic() - self._shown < _JSON_EVERY:
            return
        self._shown = time.monotonic()
        for one in self.batch.active:
            if (now := one.progress) is not None:
                self._emit(
                    "progress",
                    source=str(one.source),
                    worker=one.worker,
                    frames=now.frames,
                    expected=now.expected,
                    tracks=now.tracks,
                    **_figures(one.rate, one.eta_seconds),
                )
        if len(self.batch.clips) > 1 or self.batch.done_before:
            self._emit(
                "batch",
                clips=len(self.batch.clips),
                done=self.batch.done,
                failed=self.batch.failed,
                done_before=self.batch.done_before,
                **_figures(self.batch.rate(), self.batch.eta_seconds()),
            )

    def show_crash(self, clip: Clip, reason: str) -> None:
        self._emit("crashed", source=str(clip.source), worker=clip.worker, reason=reason)

    def show_outcome(self, outcome: Outcome) -> None:
        self._emit("outcome", **outcome_record(outcome))

    def note(self, clip: Clip, text: str) -> None:
        self._emit("note", source=str(clip.source), message=text)

    def warn(self, text: str) -> None:
        self._emit("warning", message=text)

    def made(self, line: str, record: dict[str, Any]) -> None:
        self._emit("made", **record)

    def failed(self, line: str, record: dict[str, Any]) -> None:
        self._emit("failed", **record)

    def _emit(self, event: str, **values: Any) -> None:
        self.say(json.dumps({"event": event, **values}, ensure_ascii=False))


class _Rich(_Plain):
    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        super().__init__()
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
            console=Console(stderr=True),
            transient=True,
        )
        self._rows: dict[Location | None, Any] = {}  # bars by clip; None is the one of the batch

    def show(self, clip: Clip) -> None:
        if clip.progress is not None:
            figures = (
                f"{clip.counted.removeprefix(clip.source.name)}  {clip.pace}  {plural(clip.progress.tracks, 'track')}"
            )
            self._draw(clip.source, clip.source.name, clip.progress.frames, clip.progress.expected, figures)
        self._draw_batch()

    def show_crash(self, clip: Clip, reason: str) -> None:
        self._remove(clip.source)
        super().show_crash(clip, reason)

    def show_outcome(self, outcome: Outcome) -> None:
        self._remove(outcome.job.source)
        super().show_outcome(outcome)
        self._draw_batch()

    def say(self, line: str) -> None:
        self._bars.console.print(printable(line), markup=False, highlight=False, soft_wrap=True)

    def _draw_batch(self) -> None:
        if len(self.batch.clips) > 1:
            self._draw(None, self.batch.line().partition(":")[0], self.batch.ended, len(self.batch.clips), "")

    def _draw(self, key: Location | None, name: str, completed: int, total: int | None, figures: str) -> None:
        if key not in self._rows:
            self._rows[key] = self._bars.add_task("", figures="")
        row = self._rows[key]
        self._bars.update(row, description=printable(name), completed=completed, total=total, figures=figures)

    def _remove(self, source: Location) -> None:
        if source in self._rows:
            self._bars.remove_task(self._rows.pop(source))

    def __enter__(self) -> Reporter:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._bars.stop()


def _figures(rate: float, eta: float | None) -> dict[str, float | None]:
    return {"fps": round(rate, 2), "eta_seconds": None if eta is None else round(eta, 1)}
