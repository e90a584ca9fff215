"""Progress on stderr, for people at a terminal, for log files and for programs; one clip is a batch of one."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any

from vidtrack.cli.options import ProgressStyle
from vidtrack.cli.summary import clock, closing_line, complaints, outcome_record
from vidtrack.core.errors import printable
from vidtrack.core.status import Status

if TYPE_CHECKING:
    from vidtrack.batch.engine import Outcome
    from vidtrack.batch.events import BatchEvent
    from vidtrack.batch.remote import Location
    from vidtrack.core.stages import Progress

_PLAIN_EVERY, _JSON_EVERY = 10.0, 1.0  # seconds
_SETTLED_SECONDS = 5.0  # of work before the time left of a batch is estimated
_NAMED = 4  # clips in a line about a batch


@dataclass
class Clip:
    """A clip and how far it is; `progress` is None unless it is being worked on."""

    source: Location
    bytes: int = 0
    worker: int = 0
    progress: Progress | None = None
    began: float = 0.0  # when its first progress came

    @property
    def rate(self) -> float:
        """Frames per second since the first one."""
        done = 0 if self.progress is None else self.progress.frames - self.progress.resumed
        elapsed = time.monotonic() - self.began
        return (done - 1) / elapsed if done > 1 and elapsed > 0 else 0.0

    @property
    def eta_seconds(self) -> float | None:
        """Seconds left; None if unknown."""
        now, rate = self.progress, self.rate
        return max(0, now.expected - now.frames) / rate if now is not None and now.expected and rate else None

    @property
    def counted(self) -> str:
        """Its name, and how many of its frames are done."""
        frames = "" if self.progress is None else f" {self.progress.frames}/{self.progress.expected or '?'}"
        return f"{self.source.name}{frames}"


def reporter(style: ProgressStyle) -> Reporter:
    """The reporter of that style; auto is rich on a terminal and plain elsewhere."""
    if style is ProgressStyle.auto:
        style = ProgressStyle.rich if sys.stderr.isatty() else ProgressStyle.plain
    kinds = {ProgressStyle.rich: _Rich, ProgressStyle.plain: _Plain, ProgressStyle.json: _Json}
    return kinds.get(style, Reporter)()


class Reporter:
    """Keeps count and prints errors and warnings only; the other styles print more."""

    def __init__(self) -> None:
        self.clips: dict[Location, Clip] = {}
        self.counts: Counter[str] = Counter()  # of ended clips, by status
        self.done_before = 0
        self._bytes_ended = self._frames_ended = 0
        self._began = time.monotonic()
        self._first_news: float | None = None  # by then, models are loaded

    def __call__(self, event: BatchEvent) -> None:
        """Take an event of a batch."""
        from vidtrack.batch import events

        if isinstance(event, events.ClipsQueued):
            self.done_before = event.done_before
            for job, size in event.clips:
                self.queue(job.source, size)
        elif isinstance(event, events.ClipStarted):
            self.clips[event.job.source].worker = event.worker
            self.show_start(self.clips[event.job.source])
        elif isinstance(event, events.ClipProgressed):
            self.advance(event.job.source, event.progress)
        elif isinstance(event, events.ClipCrashed):
            self.clips[event.job.source].progress = None
            self.show_crash(self.clips[event.job.source], event.reason)
        elif isinstance(event, events.ClipFinished):
            self.finish(event.outcome)
        else:
            self.warn(event.message)

    def queue(self, source: Location, size: int = 0) -> None:
        """Add a clip that is to be worked on."""
        self.clips[source] = Clip(source, max(0, size))

    def follow(self, source: Location) -> Callable[[Progress], None]:
        """Add a clip that is worked on now; returns what to call with its progress."""
        self.queue(source)
        return partial(self.advance, source)

    def advance(self, source: Location, progress: Progress) -> None:
        """Take the progress of a clip."""
        clip, now = self.clips[source], time.monotonic()
        self._first_news = self._first_news or now
        if clip.progress is None:
            clip.began = now
        clip.progress = progress
        if progress.note:
            self.note(clip, progress.note)
        else:
            self.show(clip)

    def finish(self, outcome: Outcome) -> None:
        """Take the end of a clip."""
        clip = self.clips[outcome.job.source]
        self._first_news = self._first_news or time.monotonic()
        clip.progress = None
        self.counts[outcome.status] += 1
        self._bytes_ended += clip.bytes
        if outcome.result is not None:
            self._frames_ended += outcome.result.frames - outcome.result.resumed
        self.show_outcome(outcome)

    @property
    def ended(self) -> int:
        """Clips that have ended, well or not."""
        return self.counts.total()

    @property
    def failed(self) -> int:
        """Clips that failed or are quarantined."""
        return self.counts[Status.FAILED] + self.counts["quarantined"]

    @property
    def done(self) -> int:
        """Clips that have their results."""
        return self.ended - self.failed - self.counts[Status.INTERRUPTED]

    @property
    def active(self) -> list[Clip]:
        """Clips that are being worked on, in order of their workers."""
        return sorted((clip for clip in self.clips.values() if clip.progress is not None), key=lambda clip: clip.worker)

    def rate(self) -> float:
        """Frames per second of all workers together."""
        under_way = sum(clip.progress.frames - clip.progress.resumed for clip in self.active if clip.progress)
        return (self._frames_ended + under_way) / max(1e-3, time.monotonic() - self._began)

    def eta_seconds(self) -> float | None:
        """Seconds left for all clips, by their bytes; None before there is anything to go by."""
        worked = 0.0 if self._first_news is None else time.monotonic() - self._first_news
        if worked < _SETTLED_SECONDS:
            return None
        total, done = sum(clip.bytes for clip in self.clips.values()), float(self._bytes_ended)
        for clip in self.active:
            if clip.progress is not None and clip.progress.expected:
                done += clip.bytes * min(1, clip.progress.frames / clip.progress.expected)
        return worked * (total - done) / done if done else None

    def line(self) -> str:
        """The state of the batch, or of the only clip, in a line."""
        if len(self.clips) == 1 and self.active:
            (clip,) = self.active
            return f"{clip.source.name}: {clip.counted.removeprefix(clip.source.name).strip()} frames, {_pace(clip)}"
        eta = self.eta_seconds()
        parts = [f"{self.done}/{len(self.clips)} clips done"]
        parts += [f"{self.failed} failed"] if self.failed else []
        parts += [f"{self.done_before} done before"] if self.done_before else []
        parts += [f"{self.rate():.1f} fps"] + ([] if eta is None else [f"{clock(eta)} left"])
        named = [clip.counted for clip in self.active]
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        return ", ".join(parts) + (f": {', '.join(named[:_NAMED])}{more}" if named else "")

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
            self.say(self.line())

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
        for one in self.active:
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
        if len(self.clips) > 1 or self.done_before:
            self._emit(
                "batch",
                clips=len(self.clips),
                done=self.done,
                failed=self.failed,
                done_before=self.done_before,
                **_figures(self.rate(), self.eta_seconds()),
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
            figures = f"{clip.counted.removeprefix(clip.source.name)}  {_pace(clip)}  {clip.progress.tracks} tracks"
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
        if len(self.clips) > 1:
            self._draw(None, self.line().partition(":")[0], self.ended, len(self.clips), "")

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


def _pace(clip: Clip) -> str:
    eta = clip.eta_seconds
    return f"{clip.rate:.1f} fps{'' if eta is None else f', {clock(eta)} left'}"


def _figures(rate: float, eta: float | None) -> dict[str, float | None]:
    return {"fps": round(rate, 2), "eta_seconds": None if eta is None else round(eta, 1)}
