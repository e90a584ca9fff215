"""`vidtrack track`: detections in, tracks out, without a network."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from vidtrack.cli import detect_options as detecting
from vidtrack.cli import exits, options
from vidtrack.cli import track_options as own
from vidtrack.cli.detect_jobs import job_finder, stdout_log
from vidtrack.cli.options import ProgressStyle
from vidtrack.cli.values import parse_classes, parse_score_range, parse_size
from vidtrack.core.errors import UsageError
from vidtrack.tracking.config import TrackerConfig

if TYPE_CHECKING:
    from vidtrack.batch.plan import Job
    from vidtrack.core.detections import DetectionSequence
    from vidtrack.pipeline.config import RunConfig

_TRACKER = TrackerConfig()


def track(
    detections: own.DetectionFile,
    video: own.DetectedClip = None,
    output: detecting.Output = None,
    images: own.Images = None,
    score_range: own.ScoreRange = None,
    image_size: own.ImageSize = None,
    framerate: own.DetectionRate = None,
    classes: detecting.Classes = None,
    score: detecting.Score = None,
    max_tracks: detecting.MaxTracks = _TRACKER.max_tracks,
    no_cuts: detecting.NoCuts = False,
    region: detecting.Regions = None,
    ignore_region: detecting.IgnoredRegions = None,
    smooth: options.Smooth = 0.0,
    fill_gaps: options.FillGaps = 0.0,
    line: options.Lines = None,
    zone: options.Zones = None,
    no_video: detecting.NoVideo = False,
    codec: options.Codec = None,
    crf: options.Crf = None,
    encoder_preset: options.EncoderPreset = None,
    overwrite: options.Overwrite = False,
    progress: options.ProgressOption = ProgressStyle.auto,
) -> None:
    """Link detections from any detector into tracks: write a track log, and with the clip an annotated video.

    Exit codes: 0 done, 1 an output could not be written, 2 usage error, 3 the clip could not be decoded,
    130 interrupted.
    """
    from vidtrack.datasets.detection_files import read_detections
    from vidtrack.pipeline.config import RunConfig
    from vidtrack.tracklog.zones import parse_line, parse_region, parse_zone
    from vidtrack.video.config import EncodeConfig

    if video is not None and image_size is not None:
        raise UsageError("--image-size is for detections without a clip", "drop it: the size is read from the clip")
    config = RunConfig(
        tracker=replace(
            _TRACKER,
            max_tracks=max_tracks,
            scene_cuts=not no_cuts,
            regions=tuple(map(parse_region, region or ())),
            ignored_regions=tuple(map(parse_region, ignore_region or ())),
        ),
        score=None if score is None else score[0],
        class_scores=() if score is None else score[1],
        classes=parse_classes(classes),
        framerate=framerate,
        smooth_seconds=smooth,
        gap_seconds=fill_gaps,
        lines=tuple(map(parse_line, line or ())),
        zones=tuple(map(parse_zone, zone or ())),
        video=EncodeConfig(codec, crf, encoder_preset),
    )
    size = parse_size(image_size, "--image-size")
    found = read_detections(detections, images, parse_score_range(score_range))
    job = _job(detections, video, output, no_video, config)
    raise typer.Exit(_run(job, found if size is None else replace(found, size=size), config, overwrite, progress))


def _job(detections: Path, video: str | None, output: str | None, no_video: bool, config: RunConfig) -> Job:
    """What to write: beside the clip as `detect` does, or without a clip a log beside the detections."""
    from vidtrack.batch.plan import LOG_ENDING, LocalJob
    from vidtrack.tracklog import is_log_path

    if video is not None:
        jobs = job_finder([video], output, no_video, config, (), ())()
        if len(jobs) > 1:
            raise UsageError(f"{video} is {len(jobs)} clips", "give the one that the detections belong to")
        return jobs[0]
    if output == "-":
        return LocalJob(detections, None, stdout_log())
    target = detections.with_name(detections.stem + LOG_ENDING)
    if output is not None:
        path = Path(output)
        is_folder = path.is_dir() or output.endswith(("/", os.sep)) or not path.suffix
        if not is_folder and not is_log_path(path):
            raise UsageError(f"{output} needs the clip", "give the clip after the detections, or a .jsonl name")
        target = path / target.name if is_folder else path
    return LocalJob(detections, None, target)


def _run(job: Job, detections: DetectionSequence, config: RunConfig, overwrite: bool, progress: ProgressStyle) -> int:
    from vidtrack.batch.engine import Outcome
    from vidtrack.batch.plan import refuse_existing
    from vidtrack.cli.reporter import reporter
    from vidtrack.core.atomic_files import check_targets, make_folder
    from vidtrack.pipeline.track_detections import track_detections

    targets, source = [target for target in job.outputs if isinstance(target, Path)], job.source
    if len(targets) < len(job.outputs) or not isinstance(source, Path):
        raise UsageError("clips and outputs must be on this machine", "copy them, or use local paths")
    if not overwrite:
        refuse_existing([job])
    check_targets(targets, [source, detections.path], overwrite)
    for target in targets:
        make_folder(target.parent)
    with reporter(progress) as shown:
        result = track_detections(
            detections,
            None if source == detections.path else source,
            log=job.log,  # type: ignore[arg-type]
            video=job.video,  # type: ignore[arg-type]
            config=config,
            overwrite=overwrite,
            progress=shown.follow(source),
        )
        shown.finish(Outcome(job, result.status, result))
        if result.tracks == 0 and progress is not ProgressStyle.none:
            shown.warn(_why_nothing(detections, config))
    return exits.of_outcomes([Outcome(job, result.status, result)])


def _why_nothing(detections: DetectionSequence, config: RunConfig) -> str:
    """Why there are no tracks."""
    best = max(float(found.scores.max(initial=0)) for found in detections.frames.values())
    least = config.tracker.new_track_threshold if config.score is None else config.score
    if best < least:
        return f"no tracks: the best score is {best:.2f}, a track starts at {least:g}; --score lowers that"
    return "no tracks: no object was detected twice in a row"
