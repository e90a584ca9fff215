"""What a `vidtrack detect` command line asks for, and how it is done: from a stream, in photos, or in clips."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vidtrack.cli import exits
from vidtrack.cli.detect_jobs import check_report, is_batch, job_finder
from vidtrack.cli.live import detect_streamed, file_name, shown_window, streamed, watched_in
from vidtrack.cli.options import ProgressStyle
from vidtrack.cli.photos import detect_in_photos, find_photos, photo_look, refuse_video_options, say_how_read
from vidtrack.core.errors import UsageError

if TYPE_CHECKING:
    from vidtrack.batch.config import BatchConfig
    from vidtrack.batch.plan import Job
    from vidtrack.model.choice import ModelChoice
    from vidtrack.pipeline.config import RunConfig


@dataclass(frozen=True)
class Request:
    """What is asked for; `batch` says how to track, and if there are many clips, how to go through them."""

    inputs: list[str]
    output: str | None
    model: ModelChoice
    batch: BatchConfig
    pipes_video: bool  # raw video goes to standard output
    photos: bool  # images are read as photos even if they look like a clip
    reconnect: float  # seconds for which a broken stream is opened again
    report: Path | None
    show: bool
    profile: bool
    progress: ProgressStyle

    @property
    def config(self) -> RunConfig:
        """How to track each clip."""
        return self.batch.run

    @property
    def pipes(self) -> bool:
        """Whether standard output carries the log or the video."""
        return self.pipes_video or self.output == "-"

    @property
    def in_workers(self) -> bool:
        """Whether even a single clip needs a process of its own: one that hangs can only be killed."""
        batch = self.batch
        return batch.watch or batch.engine == "ray" or batch.rules.timeout_seconds is not None


def run_request(request: Request) -> int:
    """Do what is asked for; returns the exit code. Raises UsageError for options that exclude each other."""
    _refuse_contradictions(request)
    if (text := streamed(request.inputs)) is not None:
        return _from_stream(text, request)
    code = None if request.pipes_video else _in_photos(request)
    return _in_clips(request) if code is None else code


def _refuse_contradictions(request: Request) -> None:
    from vidtrack.batch.plan import is_folder

    batch = request.batch
    if batch.address is not None and batch.engine != "ray":
        raise UsageError("--address requires --engine ray")
    if request.pipes and (batch.engine == "ray" or batch.rules.timeout_seconds is not None):
        raise UsageError("standard output cannot be used with --engine ray or --timeout", "write to a file instead")
    if request.pipes_video and (not batch.video or request.config.resume):
        raise UsageError("--stdout video cannot be used with --no-video or --resume", "drop one of them")
    if batch.watch and batch.limit is not None:
        raise UsageError("--limit cannot be used with --watch", "use one of them")
    if batch.watch and (request.pipes or not all(map(is_folder, request.inputs))):
        raise UsageError("--watch needs folders", "e.g. vidtrack detect footage/ -o tracked/ --watch")


def _from_stream(text: str, request: Request) -> int:
    from vidtrack.batch.plan import Existing

    if request.in_workers or request.config.resume or request.profile:
        raise UsageError(
            "--watch, --engine ray, --timeout, --resume and --profile need files", "--end TIME ends a live source"
        )
    config, no_video = request.config, not request.batch.video
    (job,) = job_finder([file_name(text)], request.output, no_video, config, (), (), request.pipes_video)()
    return detect_streamed(
        text,
        job,
        request.model,
        config,
        request.batch.existing is Existing.OVERWRITE,
        request.progress,
        request.reconnect,
        request.report,
        request.show,
    )


def _in_photos(request: Request) -> int | None:
    """Detect in photos; None if the inputs are clips."""
    batch, config, progress = request.batch, request.config, request.progress
    no_video = not batch.video
    plan = find_photos(request.inputs, request.output, config, request.photos, no_video, batch.include, batch.exclude)
    if plan is None:
        return None
    say_how_read(request.inputs, None, progress)
    refuse_video_options(config, request.in_workers or request.profile or request.show)
    still = replace(config, look=photo_look(config.look))
    return detect_in_photos(plan, request.model, still, batch.existing, request.report, progress, batch.limit)


def _in_clips(request: Request) -> int:
    from vidtrack.batch.session import batch_root
    from vidtrack.cli.batch import detect_batch

    batch, config, inputs, output = request.batch, request.config, request.inputs, request.output
    find_jobs = job_finder(inputs, output, not batch.video, config, batch.include, batch.exclude, request.pipes_video)
    planned = [] if batch.watch else find_jobs()  # a watched folder's clips come when they are whole
    if config.framerate is None:
        say_how_read(inputs, planned, request.progress)
    if request.report is not None:
        check_report(request.report, planned)
    if not request.in_workers and (request.pipes or not is_batch(inputs, planned)):
        return _in_one_clip(planned[0], request)
    if request.profile:
        raise UsageError("--profile works with a single clip only", "give one clip, or drop --profile")
    if request.show:
        raise UsageError("--show works with a single clip only", "give one clip, or drop --show")
    root = batch_root(inputs, output, planned)
    return detect_batch(planned, find_jobs, root, request.model, batch, request.report, request.progress)


def _in_one_clip(job: Job, request: Request) -> int:
    """Track one clip in this process."""
    from vidtrack.batch.engine import Task
    from vidtrack.batch.plan import Existing, refuse_existing
    from vidtrack.cli.reporter import reporter
    from vidtrack.cli.summary import print_profile, write_report
    from vidtrack.video import probe

    config, existing = request.config, request.batch.existing
    if existing is Existing.REFUSE and not config.resume:
        refuse_existing([job])
    info = None
    if isinstance(job.source, Path):
        info = probe(job.source, config.framerate, config.limits, config.stream)

    from vidtrack.batch.run import run_task  # PyTorch takes seconds to load: after all checks

    with shown_window(request.show) as window, reporter(request.progress) as shown:
        tell, offer = watched_in(window, shown.follow(job.source))
        outcome = run_task(Task(0, job, config, existing, info), request.model.load, tell, show=offer)
        shown.finish(outcome)
    if request.profile and outcome.result is not None:
        print_profile(outcome.result)
    if request.report is not None:
        write_report(request.report, [outcome])
    return exits.of_outcomes([outcome])
