"""`vidtrack detect`: clips in, annotated videos and track logs out."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from vidtrack.cli import detect_options as own
from vidtrack.cli import drawing, exits, options, presets
from vidtrack.cli.detect_jobs import check_report, is_batch, job_finder
from vidtrack.cli.detect_options import EngineKind, Order, StdoutKind, TrackerMode
from vidtrack.cli.live import detect_streamed, file_name, shown_window, streamed, watched_in
from vidtrack.cli.options import ProgressStyle
from vidtrack.cli.photos import detect_in_photos, find_photos, photo_look, refuse_video_options, say_how_read
from vidtrack.cli.values import limits_of, parse_classes, parse_prompt
from vidtrack.core.errors import UsageError
from vidtrack.render.style import Style
from vidtrack.tracking.config import TrackerConfig

if TYPE_CHECKING:
    from vidtrack.batch.plan import Existing, Job
    from vidtrack.model.choice import ModelChoice
    from vidtrack.pipeline.config import RunConfig

_TRACKER = TrackerConfig()
_MODE = TrackerMode(_TRACKER.mode)
_BETTER = "d-fine-nano"  # suggested to users of the default model


def detect(
    inputs: own.Inputs,
    output: own.Output = None,
    config_file: presets.ConfigFile = None,
    preset: presets.Preset = None,
    model: own.Model = "default",
    prompt: options.Prompt = None,
    classes: own.Classes = None,
    score: own.Score = None,
    region: own.Regions = None,
    ignore_region: own.IgnoredRegions = None,
    size: options.Size = None,
    tracker: own.TrackerOption = _MODE,
    max_tracks: own.MaxTracks = _TRACKER.max_tracks,
    no_cuts: own.NoCuts = False,
    live: own.Live = False,
    smooth: options.Smooth = 0.0,
    fill_gaps: options.FillGaps = 0.0,
    start: options.Start = None,
    end: options.End = None,
    detect_every: own.DetectEvery = "auto",
    stride: own.Stride = 1,
    framerate: options.Framerate = None,
    photos: own.Photos = False,
    stream: options.Stream = None,
    max_pixels: options.MaxPixels = None,
    max_duration: own.MaxDuration = None,
    line: options.Lines = None,
    zone: options.Zones = None,
    stdout: own.Stdout = StdoutKind.log,
    no_video: own.NoVideo = False,
    parts: drawing.Parts = drawing.PARTS,
    style: drawing.StyleOption = Style.QUIET,
    line_width: drawing.LineWidth = None,
    text_size: drawing.TextSize = None,
    trail: drawing.Trail = None,
    colour_by: drawing.ColourByOption = drawing.ColourBy.track,
    raw_boxes: drawing.RawBoxes = False,
    codec: options.Codec = None,
    crf: options.Crf = None,
    encoder_preset: options.EncoderPreset = None,
    overwrite: options.Overwrite = False,
    skip_existing: own.SkipExisting = False,
    resume: own.Resume = False,
    report: own.Report = None,
    jobs: own.Jobs = None,
    include: own.Include = None,
    exclude: own.Exclude = None,
    order: own.OrderOption = Order.name,
    limit: own.Limit = None,
    timeout: own.Timeout = None,
    fail_fast: own.FailFast = False,
    retry_quarantined: own.RetryQuarantined = False,
    watch: own.Watch = False,
    engine: own.EngineOption = EngineKind.local,
    address: own.ClusterAddress = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    hwaccel: own.Hwaccel = None,
    reconnect: own.Reconnect = 30.0,
    show: own.Show = False,
    require_compiled: own.RequireCompiled = False,
    progress: options.ProgressOption = ProgressStyle.auto,
    profile: own.Profile = False,
) -> None:
    """Track objects in video: write an annotated video and a track log for each clip.

    Exit codes: 0 all done, 1 some clips failed, 2 usage error, 3 nothing could be decoded, 130 interrupted.
    """
    from vidtrack.batch.config import BatchConfig, Rules
    from vidtrack.batch.plan import Existing, is_folder
    from vidtrack.batch.session import batch_root
    from vidtrack.cli.batch import detect_batch
    from vidtrack.model.choice import ModelChoice
    from vidtrack.pipeline.config import RunConfig
    from vidtrack.tracklog.zones import parse_line, parse_region, parse_zone
    from vidtrack.video.config import EncodeConfig

    if overwrite and skip_existing:
        raise UsageError("--overwrite and --skip-existing cannot be combined", "use one of them")
    if address is not None and engine is not EngineKind.ray:
        raise UsageError("--address requires --engine ray")
    pipes_video = stdout is StdoutKind.video
    pipes = pipes_video or output == "-"
    if pipes and (engine is EngineKind.ray or timeout is not None):
        raise UsageError("standard output cannot be used with --engine ray or --timeout", "write to a file instead")
    if pipes_video and (no_video or resume):
        raise UsageError("--stdout video cannot be used with --no-video or --resume", "drop one of them")
    if watch and limit is not None:
        raise UsageError("--limit cannot be used with --watch", "use one of them")
    config = RunConfig(
        tracker=replace(
            _TRACKER,
            mode=str(tracker),
            max_tracks=max_tracks,
            scene_cuts=not no_cuts,
            regions=tuple(map(parse_region, region or ())),
            ignored_regions=tuple(map(parse_region, ignore_region or ())),
        ),
        score=None if score is None else score[0],
        class_scores=() if score is None else score[1],
        classes=parse_classes(classes),
        start_seconds=start,
        end_seconds=end,
        stride=stride,
        detect_every=detect_every,
        size=size,
        live=live,
        framerate=framerate,
        stream=stream,
        smooth_seconds=smooth,
        gap_seconds=fill_gaps,
        lines=tuple(map(parse_line, line or ())),
        zones=tuple(map(parse_zone, zone or ())),
        hwaccel=hwaccel,
        resume=resume,
        limits=limits_of(max_pixels, max_duration),
        video=EncodeConfig(codec, crf, encoder_preset),
        look=drawing.look_of(parts, style, line_width, text_size, trail, colour_by, raw_boxes),
    )
    if watch and (pipes or not all(map(is_folder, inputs))):
        raise UsageError("--watch needs folders", "e.g. vidtrack detect footage/ -o tracked/ --watch")
    existing = Existing.OVERWRITE if overwrite else Existing.SKIP if skip_existing else Existing.REFUSE
    chosen = ModelChoice(model, device, precision, threads, require_compiled, parse_prompt(prompt))
    if (text := streamed(inputs)) is not None:
        if watch or engine is EngineKind.ray or timeout is not None or resume or profile:
            raise UsageError(
                "--watch, --engine ray, --timeout, --resume and --profile need files", "--end TIME ends a live source"
            )
        find_jobs = job_finder([file_name(text)], output, no_video, config, (), (), pipes_video)
        code = detect_streamed(text, find_jobs()[0], chosen, config, overwrite, progress, reconnect, report, show)
        raise typer.Exit(code)
    plan = None
    if not pipes_video:
        plan = find_photos(inputs, output, config, photos, no_video, include or (), exclude or ())
    if plan is not None:
        say_how_read(inputs, None, progress)
        refuse_video_options(config, watch or engine is EngineKind.ray or timeout is not None or profile or show)
        still = replace(config, look=photo_look(config.look))
        code = detect_in_photos(plan, chosen, still, existing, report, progress, limit)
        finish(code, model, progress)
    find_jobs = job_finder(inputs, output, no_video, config, include or (), exclude or (), pipes_video)
    planned = [] if watch else find_jobs()  # a watched folder's clips come when they are whole
    if framerate is None:
        say_how_read(inputs, planned, progress)
    if report is not None:
        check_report(report, planned)
    in_workers = watch or engine is EngineKind.ray or timeout is not None  # a clip that hangs can only be killed
    if in_workers or (not pipes and is_batch(inputs, planned)):
        if profile:
            raise UsageError("--profile works with a single clip only", "give one clip, or drop --profile")
        if show:
            raise UsageError("--show works with a single clip only", "give one clip, or drop --show")
        batch = BatchConfig(
            run=config,
            existing=existing,
            jobs=jobs,
            order=str(order),
            limit=limit,
            watch=watch,
            retry_quarantined=retry_quarantined,
            rules=Rules(timeout_seconds=None if timeout is None else float(timeout), fail_fast=fail_fast),
            engine=str(engine),
            address=address,
        )
        root = batch_root(inputs, output, planned)
        code = detect_batch(planned, find_jobs, root, chosen, batch, report, progress)
    else:
        code = detect_one(planned[0], chosen, config, existing, progress, profile, report, show)
    finish(code, model, progress)


def finish(code: int, model: str, progress: ProgressStyle) -> NoReturn:
    """End the command, with a note on the model if it was used."""
    if progress not in (ProgressStyle.json, ProgressStyle.none) and code != exits.NOTHING_DECODABLE:
        note_use(model)
    raise typer.Exit(code)


def note_use(model: str) -> None:
    """Print the restrictions on a registry model's use, if there are any."""
    from vidtrack.model import registry

    entry = registry.find(model)
    if entry is not None and entry.use is not None:
        typer.echo(f"vidtrack: note: model {entry.name}: {entry.use}", err=True)
    if model == "default" and _is_terminal():  # a model chosen by its name is a choice
        hint_at_better_model()


def hint_at_better_model() -> None:
    """Suggest a more accurate model, unless it has been downloaded."""
    from vidtrack.model import registry

    default, better = registry.find("default"), registry.find(_BETTER)
    if default is not None and better is not None and registry.cached_path(better) is None:
        typer.echo(
            f"vidtrack: hint: -m {better.name} finds more: COCO AP {better.coco_ap}, 80 classes, {better.megabytes} MB "
            f"to download; -m {default.name} hides this line",
            err=True,
        )


def _is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def detect_one(
    job: Job,
    model: ModelChoice,
    config: RunConfig,
    existing: Existing,
    progress: ProgressStyle,
    profile: bool,
    report: Path | None,
    show: bool,
) -> int:
    """Track one clip in this process; returns the exit code."""
    from vidtrack.batch.engine import Task
    from vidtrack.batch.plan import Existing, refuse_existing
    from vidtrack.cli.reporter import reporter
    from vidtrack.cli.summary import print_profile, write_report
    from vidtrack.video import probe

    if existing is Existing.REFUSE and not config.resume:
        refuse_existing([job])
    info = None
    if isinstance(job.source, Path):
        info = probe(job.source, config.framerate, config.limits, config.stream)

    from vidtrack.batch.run import run_task  # PyTorch takes seconds to load: after all checks

    with shown_window(show) as window, reporter(progress) as shown:
        tell, offer = watched_in(window, shown.follow(job.source))
        outcome = run_task(Task(0, job, config, existing, info), model.load, tell, show=offer)
        shown.finish(outcome)
    if profile and outcome.result is not None:
        print_profile(outcome.result)
    if report is not None:
        write_report(report, [outcome])
    return exits.of_outcomes([outcome])
