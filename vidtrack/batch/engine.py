"""What every engine shares: tasks go in, events come out, wherever the work is done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vidtrack.batch.plan import Existing, Job
from vidtrack.pipeline.config import RunConfig

if TYPE_CHECKING:
    from vidtrack.core.errors import VidtrackError
    from vidtrack.core.stages import Progress
    from vidtrack.core.types import VideoInfo
    from vidtrack.pipeline.track_video import TrackResult


@dataclass(frozen=True)
class Task:
    """A clip to track and how; `number` tells it from the other tasks of a batch."""

    number: int
    job: Job
    config: RunConfig
    existing: Existing = Existing.REFUSE
    info: VideoInfo | None = None  # of a clip that was probed before


@dataclass(frozen=True)
class Logged:
    """What a log says of its clip and of the work; nothing if it cannot be read."""

    content: str = ""  # hash of the clip
    status: str = ""
    frames: int = 0
    tracks: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """The result of a job: status complete, truncated, interrupted, skipped, failed or quarantined."""

    job: Job
    status: str
    result: TrackResult | None = None
    error: VidtrackError | None = None
    logged: Logged | None = None  # by a log at an address
    thumbnail: bytes = b""  # a small JPEG of the clip, empty if there is none


@dataclass(frozen=True)
class Started:
    """A worker has begun a task."""

    number: int
    worker: int


@dataclass(frozen=True)
class Progressed:
    """How far a worker is with its task; not every frame is told."""

    number: int
    worker: int
    progress: Progress


@dataclass(frozen=True)
class Ended:
    """A task is over, well or not."""

    number: int
    worker: int
    outcome: Outcome


@dataclass(frozen=True)
class Crashed:
    """The worker died over a task; `reason` says of what, and another has taken its place."""

    number: int
    worker: int
    reason: str


Event = Started | Progressed | Ended | Crashed
News = tuple[int, "Progress | Outcome"]  # what a worker tells: the number of a task, and how far it is or how it ended


class Engine(Protocol):
    """Somewhere to run tasks. A task that is submitted ends in exactly one Ended or Crashed."""

    @property
    def workers(self) -> int:
        """How many tasks run at a time."""

    def submit(self, task: Task) -> None:
        """Take a task; no more than `workers` are under way."""

    def events(self, timeout_seconds: float) -> list[Event]:
        """Events since the last call; waits for one up to the given time."""

    def interrupt(self) -> None:
        """Let the clips under way end after their current frame; what is done of them is kept."""

    def kill(self, number: int) -> None:
        """End a task at once, as a crash."""

    def close(self) -> None:
        """End all workers, busy ones at once."""
