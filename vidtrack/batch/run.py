"""Clip after clip: one that fails does not end the others."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from vidtrack.batch.plan import Existing, Job
from vidtrack.batch.resume import Finding, find_earlier
from vidtrack.config import RunConfig
from vidtrack.errors import OutputError, UsageError, VidtrackError, WeightsError
from vidtrack.model.detector import DeformableDETR
from vidtrack.pipeline import TrackResult, track_video
from vidtrack.selection import class_filter
from vidtrack.stages import Progress
from vidtrack.video import probe


@dataclass(frozen=True)
class Outcome:
    """What became of a job: status complete, truncated, interrupted, skipped or failed."""

    job: Job
    status: str
    result: TrackResult | None = None
    error: VidtrackError | None = None


def run_jobs(
    jobs: Sequence[Job],
    load: Callable[[], DeformableDETR],
    config: RunConfig,
    existing: Existing,
    progress: Callable[[Progress], None] | None = None,
) -> Iterator[Outcome]:
    """Yield an outcome a job as they end; an interrupt ends the iteration after the outcome of its job.

    The model is loaded once, when the first readable clip needs it. Raises UsageError and WeightsError, as they
    would meet every job alike.
    """

    @cache
    def model() -> DeformableDETR:
        loaded = load()
        class_filter(loaded.config.classes, config.classes)
        return loaded

    for job in jobs:
        try:
            outcome = _run(job, model, config, existing, progress)
        except (UsageError, WeightsError):
            raise
        except VidtrackError as error:
            outcome = Outcome(job, "failed", error=error)
        except KeyboardInterrupt:
            outcome = Outcome(job, "interrupted")
        yield outcome
        if outcome.status == "interrupted":
            return


def _run(
    job: Job,
    model: Callable[[], DeformableDETR],
    config: RunConfig,
    existing: Existing,
    progress: Callable[[Progress], None] | None,
) -> Outcome:
    probe(job.source, config.framerate, config.limits)
    if existing is not Existing.SKIP or not all(target.exists() for target in job.outputs):
        _check_places(job)
    loaded = model()
    config = config.at_score(loaded.config.score)
    if existing is Existing.SKIP:
        finding = find_earlier(job, config, loaded.origin)
        if finding is Finding.DONE:
            return Outcome(job, "skipped")
        if finding is Finding.OTHER:
            raise OutputError(
                f"the outputs of {job.source} are there, but of another clip, model or parameters",
                "overwrite them, or choose another folder",
            )
    _make_folders(job)
    result = track_video(
        job.source,
        loaded,
        log=job.log,
        video=job.video,
        config=config,
        overwrite=existing is not Existing.REFUSE,
        progress=progress,
    )
    return Outcome(job, result.status, result)


def _check_places(job: Job) -> None:
    """Raise OutputError where an output cannot be written, before the model takes its time to load."""
    for target in job.outputs:
        folder = next(place for place in target.absolute().parents if os.path.lexists(place))
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise OutputError(f"the folder {folder} cannot be written: {error.strerror}", "choose another") from None


def _make_folders(job: Job) -> None:
    for target in job.outputs:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make the folder {target.parent}: {error.strerror}", "choose another") from None
