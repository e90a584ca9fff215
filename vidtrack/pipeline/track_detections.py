"""Track detections made elsewhere: association without a network, with the clip or without."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TextIO

import numpy as np

from vidtrack.core.atomic_files import refuse_existing
from vidtrack.core.class_names import class_filter
from vidtrack.core.detections import Detections, DetectionSequence
from vidtrack.core.errors import UsageError
from vidtrack.core.stages import Progress, Stages, Stopwatch
from vidtrack.core.status import Status
from vidtrack.core.types import Frame, VideoInfo, no_tracks
from vidtrack.core.wording import plural
from vidtrack.pipeline.config import RunConfig
from vidtrack.pipeline.lookahead import Lookahead
from vidtrack.pipeline.outputs import Outputs, Tracked
from vidtrack.pipeline.schedule import gap_between_detections
from vidtrack.pipeline.track_video import TrackResult, lock, with_problems
from vidtrack.tracking.association_tracker import AssociationTracker
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.given_detections import GivenDetections
from vidtrack.tracking.steadying import Steadier
from vidtrack.tracklog import LogWriter
from vidtrack.tracklog.header import Header, ModelInfo
from vidtrack.tracklog.provenance import hash_content, log_header, path_for_log
from vidtrack.video import Problem, VideoReader, VideoWriter
from vidtrack.video.image_sequence import DEFAULT_FRAMERATE, image_paths, is_sequence

_SAME_SHAPE = 0.02  # by which the aspect of the detector's images and of the clip may differ


def track_detections(
    detections: DetectionSequence,
    clip: str | Path | VideoInfo | None = None,
    *,
    log: str | Path | TextIO | None = None,
    video: str | Path | None = None,
    config: RunConfig | None = None,
    overwrite: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> TrackResult:
    """Link detections of a clip into tracks; write a track log, and if the clip is given an annotated video too.

    The clip adds its exact times and size, camera motion and cuts. Without it, frames are `config.framerate` apart, or
    what the detections say, or 25 per second. No network runs. An interrupt stops early: what is done is kept, marked
    `interrupted`, and returned.

    Raises InputError, OutputError, or UsageError, also if the detections cannot be those of the clip.
    """
    usual = TrackerConfig().new_track_threshold
    config = (config or RunConfig()).at_score(usual, detections.class_names)
    config = replace(config, tracker=replace(config.tracker, mode="association"))
    log = Path(log) if isinstance(log, str) else log
    video = None if video is None else Path(video)
    if not overwrite:
        refuse_existing([target for target in (log, video) if isinstance(target, Path)])
    if clip is None and video is not None:
        raise UsageError(f"{video} needs the clip", "give the clip, or no video")
    watch, began = Stopwatch(), time.perf_counter()
    with ExitStack() as stack:
        reader = None if clip is None else stack.enter_context(VideoReader(clip, config.read))
        info = _timeline(detections, config) if reader is None else reader.info
        detections = _in_frames_of(detections, info)
        wanted = class_filter(detections.class_names, config.classes, str(detections.path))
        tracker = AssociationTracker(GivenDetections(detections.class_names), config.tracker, wanted)
        log_writer = video_writer = None
        if log is not None:
            target = lock(log, stack) if isinstance(log, Path) else log
            log_writer = stack.enter_context(
                LogWriter(target, _header(detections, info, reader is not None, config, log))
            )
        if video is not None:
            writer = VideoWriter(lock(video, stack), info, config.video, source=info.path)
            video_writer = stack.enter_context(writer)
        outputs = Outputs(log_writer, video_writer, info, detections.class_names, config, watch)
        steadier = Steadier(info) if video_writer is not None and config.look.steady else None
        lookahead = Lookahead.of(config, gap_between_detections(detections.step, info), steadier)

        stages = stack.enter_context(Stages(watch))
        frames = _blank_frames(detections, info) if reader is None else with_problems(reader, 0)
        tracked = stages.then("link", _link(tracker, stages.first("decode", frames), detections, reader is None))
        written = stages.then("output", map(outputs.write, lookahead.apply(tracked)))
        expected = detections.last_index + 1 if reader is None else reader.expected
        interrupted = stages.drain(written, _reporter(outputs, expected, progress))

        if interrupted and outputs.frames == 0:
            raise KeyboardInterrupt
        truncated = reader is not None and reader.truncated
        status = Status.INTERRUPTED if interrupted else Status.TRUNCATED if truncated else Status.COMPLETE
        seconds = time.perf_counter() - began
        outputs.finish(status, reader, seconds)
    return TrackResult(
        source=detections.path if reader is None else info.path,
        status=status,
        log=log if isinstance(log, Path) else None,
        video=video,
        frames=outputs.frames,
        tracks=outputs.tracks,
        seconds=seconds,
        problems=(*(reader.problems if reader else ()), *(video_writer.problems if video_writer else ())),
        times={name: (lap.seconds, lap.count) for name, lap in watch.laps.items()},
    )


def _link(
    tracker: AssociationTracker,
    frames: Iterator[tuple[Frame, list[Problem]]],
    detections: DetectionSequence,
    are_blank: bool,
) -> Iterator[Tracked]:
    """The frames with their tracks; those that no detector looked at have none."""
    nothing = Detections.of(np.zeros((0, 4)), np.zeros(0))
    for frame, problems in frames:
        found = detections.frames.get(frame.index)
        if found is None and frame.index > detections.last_index:
            found = nothing
        if are_blank:
            height, width = frame.image.shape[:2]
            empty = no_tracks(frame)
            tracks = empty if found is None else tracker.step_without_image(found, empty, (width, height))
        else:
            tracks = tracker.pass_over(frame) if found is None else tracker.step(found, frame)
        done = Tracked(frame, tracks, problems, tracker.cut)
        yield done if found is None else done._replace(earlier=tracker.earlier, exchange=tracker.exchange)


def _blank_frames(detections: DetectionSequence, info: VideoInfo) -> Iterator[tuple[Frame, list[Problem]]]:
    """The frames of a clip that is not at hand, up to the last with detections; they share one black image."""
    width, height = info.size
    image = np.broadcast_to(np.uint8(0), (height, width, 3))
    for index in range(detections.last_index + 1):
        yield Frame(index, index, info.time_base, image), []


def _timeline(detections: DetectionSequence, config: RunConfig) -> VideoInfo:
    """What is known of a clip that is not at hand."""
    if detections.size is None:
        raise UsageError(
            f"{detections.path} does not say how large its images are", "give the clip, or --image-size WIDTHxHEIGHT"
        )
    rate = config.framerate or detections.frames_per_second or DEFAULT_FRAMERATE
    frames = detections.last_index + 1
    return VideoInfo(
        path=Path(),
        container="none",
        codec="none",
        pixel_format="none",
        coded_size=detections.size,
        size=detections.size,
        rotation=0,
        sample_aspect_ratio=Fraction(1),
        time_base=1 / rate,
        start_pts=0,
        average_rate=rate,
        frame_count=frames,
        duration_seconds=frames / rate,
    )


def _in_frames_of(detections: DetectionSequence, info: VideoInfo) -> DetectionSequence:
    """The detections in pixels of the clip; raises UsageError if they are of another one."""
    if info.frame_count is not None and detections.last_index >= info.frame_count:
        raise UsageError(
            f"{detections.path} has detections in frame {detections.last_index + 1}, and {info.path} has "
            f"{plural(info.frame_count, 'frame')}",
            "is it the right clip?",
        )
    if detections.size is None or detections.size == info.size:
        return detections
    across, down = info.size[0] / detections.size[0], info.size[1] / detections.size[1]
    if abs(across / down - 1) > _SAME_SHAPE:
        raise UsageError(
            f"{detections.path} is of {detections.size[0]}x{detections.size[1]} images, and {info.path} has "
            f"{info.size[0]}x{info.size[1]}",
            "is it the right clip?",
        )
    scaled = {index: found.scaled((across, down)) for index, found in detections.frames.items()}
    return replace(detections, frames=scaled, size=info.size)


def _header(
    detections: DetectionSequence, info: VideoInfo, has_clip: bool, config: RunConfig, log: Path | TextIO
) -> Header:
    """The header of the log; without the clip its source has no path, and the hash is that of the detections."""
    content = hash_content([detections.path])
    model = ModelInfo(
        str(detections.path), content.value if content.method == "sha256" else None, detections.class_names
    )
    if has_clip:
        content = hash_content(image_paths(info.path) if is_sequence(info.path) else [info.path])
    header = log_header(info, content, config.parameters(), model, "cpu", "float64")
    if not has_clip:
        return replace(header, source=replace(header.source, path="", bytes=None))
    if isinstance(log, Path):
        return replace(header, source=replace(header.source, path=str(path_for_log(info.path, log))))
    return header


def _reporter(
    outputs: Outputs, expected: int | None, progress: Callable[[Progress], None] | None
) -> Callable[[int], None]:
    if progress is None:
        return lambda frames: None
    return lambda frames: progress(Progress(frames, expected, outputs.tracks, outputs.clip_seconds))
