"""`vidtrack detect` on photos: boxes without tracks."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidtrack.cli import exits
from vidtrack.cli.options import ProgressStyle
from vidtrack.core.errors import InputError, UsageError, VidtrackError, printable
from vidtrack.core.wording import plural
from vidtrack.render.style import Look, Part

if TYPE_CHECKING:
    from vidtrack.batch.photo_plan import PhotoPlan
    from vidtrack.batch.photos import PhotoOutcome
    from vidtrack.batch.plan import Existing, Job
    from vidtrack.cli.reporter import Reporter
    from vidtrack.model.choice import ModelChoice
    from vidtrack.pipeline.config import RunConfig

_OF_VIDEO = "--start, --end, --stride, --line, --zone, --watch, --timeout, --engine ray, --profile and --show"


def find_photos(
    inputs: Sequence[str],
    output: str | None,
    config: RunConfig,
    forced: bool,
    no_video: bool,
    include: Sequence[str],
    exclude: Sequence[str],
) -> PhotoPlan | None:
    """The photos among the inputs; None if the inputs are clips."""
    from vidtrack.batch.photo_plan import plan_photos

    if config.framerate is not None:
        if forced:
            raise UsageError("--framerate reads images as a clip, --photos as photos", "use one of them")
        return None
    return plan_photos(inputs, output, not no_video, forced, include, exclude)


def refuse_video_options(config: RunConfig, others: bool) -> None:
    """Raise UsageError for options that need a video, as ignoring them would give another result than expected."""
    timed = config.start_seconds is not None or config.end_seconds is not None or config.stride != 1
    if timed or config.lines or config.zones or others:
        raise UsageError(f"{_OF_VIDEO} are for video, but the inputs are photos", "--framerate 25 reads them as a clip")


def photo_look(look: Look) -> Look:
    """The same look, with scores unless other parts were chosen."""
    return replace(look, parts=(*look.parts, Part.SCORES)) if look.parts == Look().parts else look


def detect_in_photos(
    plan: PhotoPlan,
    model: ModelChoice,
    config: RunConfig,
    existing: Existing,
    report: Path | None,
    progress: ProgressStyle,
    limit: int | None,
) -> int:
    """Detect in photos; returns the exit code. A second run does only what is left."""
    from vidtrack.batch.photos import PhotoRun
    from vidtrack.cli.detect_jobs import stdout_log
    from vidtrack.cli.reporter import reporter
    from vidtrack.cli.summary import write_json
    from vidtrack.core.atomic_files import check_writable

    out = stdout_log() if plan.record is None else None
    if report is not None:
        _check_report(report, plan)
        check_writable(report)
    run = PhotoRun(plan, model, config, existing)
    run.left = run.left[:limit]
    outcomes: list[PhotoOutcome] = []
    interrupted = False
    with reporter(progress) as shown:
        try:
            for outcome in run.outcomes():
                outcomes.append(outcome)
                _show(shown, outcome)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            if outcomes:
                run.save()
        shown.made(_total(plan, run.done_before, outcomes, interrupted), _summary(plan, outcomes, interrupted))
    if out is not None:
        out.write(run.record.text())
        out.flush()
    if report is not None:
        write_json(report, [_values(outcome) for outcome in outcomes])
    return exits.INTERRUPTED if interrupted else _exit_code(outcomes, bool(run.done_before))


def say_how_read(inputs: Sequence[str], jobs: Sequence[Job] | None, progress: ProgressStyle) -> None:
    """Say whether numbered images were read as a clip (`jobs`) or as photos (None)."""
    from vidtrack.video.image_sequence import are_numbered, image_paths, is_sequence

    if progress in (ProgressStyle.json, ProgressStyle.none):
        return
    if jobs is not None:
        folder = jobs[0].source if len(jobs) == 1 else None
        if isinstance(folder, Path) and is_sequence(folder):
            names = [path.name for path in image_paths(folder)]
            kind = "numbered image" if len(names) > 1 and are_numbered(names) else "image"
            _note(f"{folder}: {plural(len(names), kind)}, read as a clip (--photos reads them as photos)")
        _note_photos_left(inputs, [job.source for job in jobs])
    elif len(inputs) > 1 and are_numbered(list(map(os.path.basename, inputs))):
        _note(
            f"{len(inputs)} numbered images, read as photos (a quoted pattern such as 'img_*.png' reads them as a clip)"
        )


def _note_photos_left(inputs: Sequence[str], clips: Sequence[object]) -> None:
    from vidtrack.batch.photo_plan import is_annotated
    from vidtrack.video.image_sequence import image_paths

    for folder in map(Path, map(os.path.expanduser, inputs)):
        if os.path.isdir(folder) and folder not in clips:
            with suppress(InputError, OSError):
                count = sum(not is_annotated(image) for image in image_paths(folder))
                if count:
                    _note(f"{folder}: {plural(count, 'image')} beside its videos left out (--photos detects in each)")


def _note(text: str) -> None:
    print(printable(f"vidtrack: note: {text}"), file=sys.stderr)


def _check_report(report: Path, plan: PhotoPlan) -> None:
    if report.suffix.lower() != ".json" or report.is_dir():
        raise UsageError(f"--report cannot write to {report}", "give a .json file")
    if plan.record is not None and os.path.realpath(report) == os.path.realpath(plan.record):
        raise UsageError(f"--report {report} would overwrite the detections", "choose another name")


def _show(shown: Reporter, outcome: PhotoOutcome) -> None:
    source = outcome.job.source
    if outcome.error is not None:
        named = "" if str(source) in outcome.error.message else f"{source}: "
        shown.failed(f"vidtrack: error: {named}{outcome.error}", _values(outcome))
        return
    for warning in outcome.warnings:
        shown.say(f"{source.name}: warning: {warning}")
    target = "" if outcome.job.annotated is None else f" -> {outcome.job.annotated}"
    shown.made(f"{outcome.job.name}: {plural(outcome.objects, 'object')}{target}", _values(outcome))


def _total(plan: PhotoPlan, before: Sequence[Any], outcomes: Sequence[PhotoOutcome], interrupted: bool) -> str:
    failed = sum(outcome.error is not None for outcome in outcomes)
    parts = [f"{len(outcomes) - failed} done"]
    parts += [f"{len(before)} done before"] if before else []
    parts += [f"{failed} failed"] if failed else []
    left = len(plan.jobs) - len(before) - len(outcomes)
    parts += [f"{left} not done"] if left else []
    objects = plural(sum(outcome.objects for outcome in outcomes), "object")
    target = f" -> {plan.record}" if _is_written(plan) else ""
    again = "; run it again to continue" if interrupted else ""
    return f"{plural(len(plan.jobs), 'photo')}: {', '.join(parts)}, {objects}{target}{again}"


def _is_written(plan: PhotoPlan) -> bool:
    return plan.record is not None and plan.record.exists()


def _summary(plan: PhotoPlan, outcomes: Sequence[PhotoOutcome], interrupted: bool) -> dict[str, Any]:
    return {
        "photos": len(plan.jobs),
        "failed": sum(outcome.error is not None for outcome in outcomes),
        "objects": sum(outcome.objects for outcome in outcomes),
        "interrupted": interrupted,
        "output": str(plan.record) if _is_written(plan) else None,
    }


def _values(outcome: PhotoOutcome) -> dict[str, Any]:
    job, error = outcome.job, outcome.error
    if error is not None:
        return {"source": str(job.source), "status": "failed", "error": error.message, "hint": error.hint}
    image = None if job.annotated is None else str(job.annotated)
    return {"source": str(job.source), "status": "complete", "image": image, "objects": outcome.objects,
            "problems": list(outcome.warnings)}  # fmt: skip


def _exit_code(outcomes: Sequence[PhotoOutcome], any_before: bool) -> int:
    errors: list[VidtrackError] = [outcome.error for outcome in outcomes if outcome.error is not None]
    if not errors:
        return exits.ALL_DONE
    unreadable = all(isinstance(error, InputError) for error in errors) and len(errors) == len(outcomes)
    return exits.NOTHING_DECODABLE if unreadable and not any_before else exits.SOME_FAILED
