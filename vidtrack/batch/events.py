"""What a batch reports while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vidtrack.batch.engine import Outcome
from vidtrack.batch.plan import Job

if TYPE_CHECKING:
    from vidtrack.core.stages import Progress


@dataclass(frozen=True)
class ClipsQueued:
    """Clips that are to be tracked, each with its size in bytes (-1 if unknown)."""

    clips: tuple[tuple[Job, int], ...]
    done_before: int  # clips finished by earlier runs, in all


@dataclass(frozen=True)
class ClipStarted:
    """A worker has started a clip."""

    job: Job
    worker: int


@dataclass(frozen=True)
class ClipProgressed:
    """How far a clip is; sent a few times per second, not for every frame."""

    job: Job
    worker: int
    progress: Progress


@dataclass(frozen=True)
class ClipCrashed:
    """The worker died while tracking a clip, and a new one has replaced it."""

    job: Job
    worker: int
    reason: str


@dataclass(frozen=True)
class ClipFinished:
    """A clip is done, has failed or was interrupted."""

    outcome: Outcome


@dataclass(frozen=True)
class BatchWarning:
    """Something is wrong with the batch as a whole."""

    message: str


BatchEvent = ClipsQueued | ClipStarted | ClipProgressed | ClipCrashed | ClipFinished | BatchWarning
