"""`vidtrack detect`: clips in, annotated videos and track logs out."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import typer

from vidtrack.cli import detect_options as own
from vidtrack.cli import drawing, exits, options, presets
from vidtrack.cli.detect_options import EngineKind, Order, StdoutKind, TrackerMode
from vidtrack.cli.options import ProgressStyle
from vidtrack.cli.values import limits_of, parse_classes, parse_prompt
from vidtrack.core.errors import UsageError
from vidtrack.render.style import Style
from vidtrack.tracking.config import TrackerConfig

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
    from vidtrack.batch.plan import Existing
    from vidtrack.cli.detect_request import Request, run_request
    from vidtrack.model.choice import ModelChoice
    from vidtrack.pipeline.config import RunConfig
    from vidtrack.tracklog.zones import parse_line, parse_region, parse_zone
    from vidtrack.video.config import EncodeConfig

    if overwrite and skip_existing:
        raise UsageError("--overwrite and --skip-existing cannot be combined", "use one of them")
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
    batch = BatchConfig(
        run=config,
        video=not no_video,
        existing=Existing.OVERWRITE if overwrite else Existing.SKIP if skip_existing else Existing.REFUSE,
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        jobs=jobs,
        order=str(order),
        limit=limit,
        watch=watch,
        retry_quarantined=retry_quarantined,
        rules=Rules(timeout_seconds=None if timeout is None else float(timeout), fail_fast=fail_fast),
        engine=str(engine),
        address=address,
    )
    chosen = ModelChoice(model, device, precision, threads, require_compiled, parse_prompt(prompt))
    pipes_video = stdout is StdoutKind.video
    request = Request(inputs, output, chosen, batch, pipes_video, photos, reconnect, report, show, profile, progress)
    finish(run_request(request), model, progress)


def finish(code: int, model: str, progress: ProgressStyle) -> NoReturn:
    """End the command, with a note on the model if it was used."""
    if progress not in (ProgressStyle.json, ProgressStyle.none) and code != exits.NOTHING_DECODABLE:
        note_use(model)
    raise typer.Exit(code)


def note_use(model: str) -> None:
    """Print the restrictions on a model's use, if it is of the registry or exported from one that is."""
    from vidtrack.model import registry

    entry = registry.find(model)
    name, use = (None, None) if entry is None else (entry.name, entry.use)
    if Path(model).suffix.lower() in (".onnx", ".xml"):
        from vidtrack.model.description import export_header  # imports PyTorch

        header = export_header(Path(model).expanduser())
        name, use = (None, None) if header is None else (header.model, header.use)
    if use is not None:
        typer.echo(f"vidtrack: note: model {name}: {use}", err=True)
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
