"""`vidtrack detect`: clips in, annotated videos and track logs out."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from vidtrack.cli import exits, options
from vidtrack.cli.options import ProgressStyle, TrackerMode
from vidtrack.cli.values import limits_of, parse_classes
from vidtrack.errors import UsageError
from vidtrack.tracking.config import TrackerConfig

if TYPE_CHECKING:
    from vidtrack.batch.plan import Existing, Job
    from vidtrack.config import RunConfig
    from vidtrack.model.detector import DeformableDETR

_TRACKER = TrackerConfig()
_MODE = TrackerMode(_TRACKER.mode)


def detect(
    inputs: options.Inputs,
    output: options.Output = None,
    model: options.Model = "default",
    classes: options.Classes = None,
    score: options.Score = None,
    max_tracks: options.MaxTracks = _TRACKER.max_tracks,
    tracker: options.TrackerOption = _MODE,
    smooth: options.Smooth = 0.0,
    fill_gaps: options.FillGaps = 0.0,
    no_cuts: options.NoCuts = False,
    line: options.Lines = None,
    zone: options.Zones = None,
    start: options.Start = None,
    end: options.End = None,
    stride: options.Stride = 1,
    size: options.Size = None,
    framerate: options.Framerate = None,
    max_pixels: options.MaxPixels = None,
    max_duration: options.MaxDuration = None,
    no_video: options.NoVideo = False,
    codec: options.Codec = None,
    crf: options.Crf = None,
    preset: options.Preset = None,
    overwrite: options.Overwrite = False,
    skip_existing: options.SkipExisting = False,
    report: options.Report = None,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
    hwaccel: options.Hwaccel = None,
    require_compiled: options.RequireCompiled = False,
    progress: options.ProgressOption = ProgressStyle.auto,
    profile: options.Profile = False,
) -> None:
    """Track the objects in clips; makes an annotated video and a track log of each.

    Exit codes: 0 all done, 1 some clips failed, 2 usage, 3 nothing decodable, 130 interrupted.
    """
    from vidtrack.config import RunConfig, VideoConfig
    from vidtrack.zones import parse_line, parse_zone

    if overwrite and skip_existing:
        raise UsageError("--overwrite and --skip-existing exclude each other", "give one of them")
    config = RunConfig(
        tracker=replace(_TRACKER, mode=str(tracker), max_tracks=max_tracks, scene_cuts=not no_cuts),
        score=score,
        classes=parse_classes(classes),
        start_seconds=start,
        end_seconds=end,
        stride=stride,
        size=size,
        framerate=framerate,
        smooth_seconds=smooth,
        gap_seconds=fill_gaps,
        lines=tuple(map(parse_line, line or ())),
        zones=tuple(map(parse_zone, zone or ())),
        hwaccel=hwaccel,
        limits=limits_of(max_pixels, max_duration),
        video=VideoConfig(codec, crf, preset),
    )
    jobs, existing = plan_jobs(inputs, output, no_video, config, overwrite, skip_existing)
    if report is not None:
        check_report(report, jobs)

    from vidtrack.batch.run import run_jobs  # PyTorch takes seconds to load: not before all else is in order
    from vidtrack.cli.progress import reporter
    from vidtrack.cli.summary import print_profile, print_summary, write_report

    def load() -> DeformableDETR:
        return prepare_model(model, device, precision, threads, require_compiled)

    outcomes = []
    with reporter(progress, jobs) as shown:
        for outcome in run_jobs(jobs, load, config, existing, shown.progress):
            shown.outcome(outcome)
            outcomes.append(outcome)
            if profile and outcome.result is not None:
                print_profile(outcome.result)
    if len(jobs) > 1:
        print_summary(outcomes, len(jobs))
    if report is not None:
        write_report(report, outcomes)
    raise typer.Exit(exits.of_outcomes(outcomes))


def plan_jobs(
    inputs: list[str], output: str | None, no_video: bool, config: RunConfig, overwrite: bool, skip_existing: bool
) -> tuple[list[Job], Existing]:
    """Jobs with their outputs, and what to do with outputs that exist; checks all that needs no model."""
    from vidtrack.batch.plan import Existing, plan, refuse_existing
    from vidtrack.video import probe
    from vidtrack.video.codecs import codec_for, suffix_for

    existing = Existing.OVERWRITE if overwrite else Existing.SKIP if skip_existing else Existing.REFUSE
    if output == "-":
        jobs = plan(inputs, None, None)
        if len(jobs) > 1:
            raise UsageError(f"-o - takes one clip, the inputs are {len(jobs)}", "give a folder")
        if sys.stdout is None:
            raise UsageError("standard output is closed", "give a file")
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # JSON is UTF-8 in every locale
        jobs = [replace(jobs[0], log=sys.stdout)]
    else:
        jobs = plan(inputs, output, None if no_video else suffix_for(config.video.codec))
    for target in {Path(f"x{job.video.suffix}") for job in jobs if job.video is not None}:
        codec_for(config.video.codec, target).encoder_options(config.video.crf, config.video.preset)
    if existing is Existing.REFUSE:
        refuse_existing(jobs)
    if len(jobs) == 1:
        probe(jobs[0].source, config.framerate, config.limits)
    return jobs, existing


def check_report(path: Path, jobs: Sequence[Job]) -> None:
    """Raise UsageError where the report would replace a clip or a result."""
    if os.path.isdir(path):
        raise UsageError(f"the report {path} is a folder", "give a file name")
    for job in jobs:
        if os.path.realpath(path) in map(os.path.realpath, (job.source, *job.outputs)):
            raise UsageError(f"the report {path} would replace a clip or a result", "give another name")


def prepare_model(
    name: str, device: str, precision: str, threads: int | None, require_compiled: bool
) -> DeformableDETR:
    """Load the model onto its device, downloading it where need be."""
    from vidtrack import ops
    from vidtrack.model.checkpoint import load_model
    from vidtrack.model.device import limit_threads, resolve_device

    if require_compiled:
        ops.require_compiled(resolve_device(device).type)
    if threads is not None:
        limit_threads(threads)
    return load_model(name, device, precision)
