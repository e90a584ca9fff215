"""How far a batch is: counts, speed and time left; one clip is a batch of one."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vidtrack.cli.summary import clock
from vidtrack.core.status import Status
from vidtrack.core.wording import plural

if TYPE_CHECKING:
    from vidtrack.batch.engine import Outcome
    from vidtrack.batch.remote import Location
    from vidtrack.core.stages import Progress

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
    def pace(self) -> str:
        """Its speed and, if known, the time left."""
        eta = self.eta_seconds
        return f"{self.rate:.1f} fps{'' if eta is None else f', {clock(eta)} left'}"

    @property
    def counted(self) -> str:
        """Its name, and how many of its frames are done."""
        frames = "" if self.progress is None else f" {self.progress.frames}/{self.progress.expected or '?'}"
        return f"{self.source.name}{frames}"


class BatchProgress:
    """Keeps count of the clips of a batch."""

    def __init__(self) -> None:
        self.clips: dict[Location, Clip] = {}
        self.counts: Counter[str] = Counter()  # of ended clips, by status
        self.done_before = 0
        self._bytes_ended = self._frames_ended = 0
        self._began = time.monotonic()
        self._first_news: float | None = None  # by then, models are loaded

    def queue(self, source: Location, size: int = 0) -> None:
        """Add a clip that is to be worked on."""
        self.clips[source] = Clip(source, max(0, size))

    def advance(self, source: Location, progress: Progress) -> Clip:
        """Take the progress of a clip."""
        clip, now = self.clips[source], time.monotonic()
        self._first_news = self._first_news or now
        if clip.progress is None:
            clip.began = now
        clip.progress = progress
        return clip

    def finish(self, outcome: Outcome) -> None:
        """Take the end of a clip."""
        clip = self.clips[outcome.job.source]
        self._first_news = self._first_news or time.monotonic()
        clip.progress = None
        self.counts[outcome.status] += 1
        self._bytes_ended += clip.bytes
        if outcome.result is not None:
            self._frames_ended += outcome.result.frames - outcome.result.resumed

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
            return f"{clip.source.name}: {clip.counted.removeprefix(clip.source.name).strip()} frames, {clip.pace}"
        eta = self.eta_seconds()
        parts = [f"{self.done}/{plural(len(self.clips), 'clip')} done"]
        parts += [f"{self.failed} failed"] if self.failed else []
        parts += [f"{self.done_before} done before"] if self.done_before else []
        parts += [f"{self.rate():.1f} fps"] + ([] if eta is None else [f"{clock(eta)} left"])
        named = [clip.counted for clip in self.active]
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        return ", ".join(parts) + (f": {', '.join(named[:_NAMED])}{more}" if named else "")
