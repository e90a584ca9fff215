"""One clip of a batch, in whatever process it is done."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from vidtrack.batch.engine import Outcome, Task
from vidtrack.batch.pending import read_logged
from vidtrack.batch.plan import Existing, LocalJob
from vidtrack.batch.remote import Address
from vidtrack.batch.remote_job import local_copy
from vidtrack.batch.resume import Finding, find_earlier
from vidtrack.core.atomic_files import check_writable, make_folder
from vidtrack.core.errors import OutputError, UsageError, VidtrackError, WeightsError
from vidtrack.core.stages import Progress
from vidtrack.core.status import Status
from vidtrack.core.types import Frame
from vidtrack.model.batching import DynamicBatcher
from vidtrack.model.protocol import Detector
from vidtrack.pipeline.track_video import track_video
from vidtrack.render.thumbnail import thumbnail
from vidtrack.video import probe


def run_task(
    task: Task,
    load: Callable[[], Detector],
    progress: Callable[[Progress], None] | None = None,
    batcher: DynamicBatcher | None = None,
    show: Callable[[Frame], None] | None = None,
) -> Outcome:
    """Track a clip; `load` gives the model, and is not called if the clip cannot be read.

    With a `batcher` its frames share batches with those of clips in other threads; `show` gets every drawn frame. A
    clip that fails is an outcome.
    Raises UsageError and WeightsError, as they would meet every clip alike.
    """
    try:
        return _run(task, load, progress, batcher, show)
    except (UsageError, WeightsError):
        raise
    except VidtrackError as error:
        return Outcome(task.job, Status.FAILED, error=error)
    except KeyboardInterrupt:
        return Outcome(task.job, Status.INTERRUPTED)


def _run(
    task: Task,
    load: Callable[[], Detector],
    progress: Callable[[Progress], None] | None,
    batcher: DynamicBatcher | None,
    show: Callable[[Frame], None] | None,
) -> Outcome:
    with local_copy(task.job, with_results=task.existing is Existing.SKIP) as job:
        outcome = _track(task, job, load, progress, batcher, show)
        if isinstance(task.job.log, Address) and isinstance(job.log, Path):
            return replace(outcome, logged=read_logged(job.log))
        return outcome


def _track(
    task: Task,
    job: LocalJob,
    load: Callable[[], Detector],
    progress: Callable[[Progress], None] | None,
    batcher: DynamicBatcher | None,
    show: Callable[[Frame], None] | None,
) -> Outcome:
    existing = task.existing
    info = task.info or probe(job.source, task.config.framerate, task.config.limits, task.config.stream)
    if existing is not Existing.SKIP or not all(os.path.exists(target) for target in job.outputs):
        for target in job.outputs:  # before the model takes its time to load
            check_writable(target)
    model = load()
    if existing is Existing.SKIP:
        finding = find_earlier(job, task.config.for_detector(model), model)
        if finding is Finding.DONE:
            return Outcome(task.job, "skipped")
        if finding is Finding.OTHER:
            raise OutputError(
                f"the outputs of {task.job.source} exist but come from another clip, model or settings",
                "overwrite them, or choose another folder",
            )
    for target in job.outputs:
        make_folder(target.parent)
    remote = isinstance(task.job.source, Address) or isinstance(task.job.log, Address)
    result = track_video(
        info,
        model,
        log=job.log,
        video=job.video,
        config=task.config,
        overwrite=existing is not Existing.REFUSE,
        progress=progress,
        batcher=batcher,
        source_name=str(task.job.source) if remote else None,
        show=show,
    )
    return Outcome(task.job, result.status, result, thumbnail=thumbnail(result.video or info))
