"""One clip from end to end: decode, infer, draw and encode, each beside the others."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from vidtrack.config import RunConfig
from vidtrack.errors import OutputError, ResourceError, UsageError
from vidtrack.model.checkpoint import load_model
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.inference import FrameEncoder
from vidtrack.provenance import hash_content, log_header
from vidtrack.render import Painter
from vidtrack.selection import class_filter
from vidtrack.sink import Sink, Tracked
from vidtrack.stages import Progress, Stages, Stopwatch
from vidtrack.tracking.smoothing import Delay, GapFiller, Smoother
from vidtrack.tracking.tracker import Tracker
from vidtrack.tracklog import LogWriter
from vidtrack.types import Frame
from vidtrack.video import Problem, VideoReader, VideoWriter
from vidtrack.video.sequence import is_sequence, picture_paths
from vidtrack.zones import Counter


@dataclass(frozen=True)
class TrackResult:
    """What became of a clip; `times` holds seconds and count of each kind of work."""

    source: Path
    status: str  # complete, truncated or interrupted
    log: Path | None
    video: Path | None
    frames: int
    tracks: int
    seconds: float
    problems: tuple[Problem, ...]
    times: dict[str, tuple[float, int]]

    @property
    def frames_per_second(self) -> float:
        """Frames by wall-clock time, everything included."""
        return self.frames / self.seconds


def track_video(
    source: str | Path,
    model: DeformableDETR | str | Path = "default",
    *,
    log: str | Path | TextIO | None = None,
    video: str | Path | None = None,
    config: RunConfig | None = None,
    overwrite: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> TrackResult:
    """Track the objects of a clip; write a track log, an annotated video, both or neither.

    `model` is a loaded model, a known name or a checkpoint's path; `log` may be a text stream. An interrupt ends the
    clip early: what is done is kept, marked `interrupted`, and returned.

    Raises InputError, OutputError, ResourceError, UsageError or WeightsError. After an error in the middle, the log
    keeps what was done, marked `failed`; the video is dropped.
    """
    model = model if isinstance(model, DeformableDETR) else load_model(model)
    config = (config or RunConfig()).at_score(model.config.score)
    log = Path(log) if isinstance(log, str) else log
    video = None if video is None else Path(video)
    if not overwrite:
        refuse_existing(log, video)
    began, watch = time.perf_counter(), Stopwatch()
    with ExitStack() as stack:
        reader = stack.enter_context(_open_reader(source, config))
        encoder = FrameEncoder(model, config.size)
        tracker = Tracker(model, config.tracker, class_filter(model.config.classes, config.classes))
        counter = Counter(config.lines, config.zones, reader.info.size)
        log_writer = None if log is None else stack.enter_context(LogWriter(log, _header(reader, encoder, config)))
        video_writer = None if video is None else stack.enter_context(_open_writer(video, reader, config))
        painter = Painter(reader.info.size, model.config.classes)
        sink = Sink(log_writer, video_writer, painter, watch, counter, model.config.classes)

        stages = stack.enter_context(Stages(watch))
        decoded = stages.first("decode", _with_problems(reader))
        inferred = stages.then("infer", _infer(decoded, encoder, tracker, watch))
        written = stages.then("output", map(sink.write, _revised(inferred, config)))
        interrupted = stages.drain(written, _reporter(sink, reader, config.stride, progress))

        if interrupted and sink.frames == 0:
            raise KeyboardInterrupt
        status = "interrupted" if interrupted else "truncated" if reader.truncated else "complete"
        sink.finish(status, reader, time.perf_counter() - began)
    return TrackResult(
        source=Path(source),
        status=status,
        log=log if isinstance(log, Path) else None,
        video=video,
        frames=sink.frames,
        tracks=sink.tracks,
        seconds=time.perf_counter() - began,
        problems=(*reader.problems, *(video_writer.problems if video_writer else ())),
        times={name: (lap.seconds, lap.count) for name, lap in watch.laps.items()},
    )


def refuse_existing(*targets: Path | TextIO | None) -> None:
    """Raise OutputError where one of the paths is there already."""
    for target in targets:
        if isinstance(target, Path) and os.path.exists(target):
            raise OutputError(f"{target} exists already", "choose another name, or overwrite it")


def _open_reader(source: str | Path, config: RunConfig) -> VideoReader:
    return VideoReader(
        source,
        config.start_seconds,
        config.end_seconds,
        config.stride,
        config.hwaccel,
        config.framerate,
        config.limits,
    )


def _open_writer(path: Path, reader: VideoReader, config: RunConfig) -> VideoWriter:
    chosen = config.video
    return VideoWriter(
        path,
        reader.info,
        chosen.codec,
        chosen.crf,
        chosen.preset,
        source=reader.info.path,
        start_seconds=config.start_seconds,
        end_seconds=config.end_seconds,
    )


def _header(reader: VideoReader, encoder: FrameEncoder, config: RunConfig) -> dict[str, Any]:
    model, path = encoder.model, reader.info.path
    return log_header(
        reader.info,
        hash_content(picture_paths(path) if is_sequence(path) else [path]),
        config.parameters(),
        {"name": model.origin.name, "sha256": model.origin.sha256, "classes": list(model.config.classes)},
        str(encoder.device),
        encoder.precision,
    )


def _with_problems(reader: VideoReader) -> Iterator[tuple[Frame, list[Problem]]]:
    """Frames, each with what went wrong on the way to it."""
    known = 0
    for frame in reader:
        problems = reader.problems[known:]
        known += len(problems)
        yield frame, problems


def _infer(
    decoded: Iterator[tuple[Frame, list[Problem]]], encoder: FrameEncoder, tracker: Tracker, watch: Stopwatch
) -> Iterator[Tracked]:
    for frame, problems in decoded:
        try:
            with watch.lap("preprocess"):
                pixels, padding = encoder.batch(frame.image)
            with watch.lap("encode"):
                memory = encoder.encode(pixels, padding)
            with watch.lap("track"):
                tracks = tracker.step(memory, frame)
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, MemoryError) or "out of memory" in str(error):
                raise ResourceError(
                    f"out of memory on {encoder.device}", "give a smaller size or another device"
                ) from error
            if "deformable attention on CUDA" in str(error):  # a driver too old, or a GPU the kernels are not built for
                raise UsageError(str(error).splitlines()[0], "vidtrack doctor says more; --device cpu works") from error
            raise
        yield Tracked(frame, tracks, problems, tracker.cut)


def _revised(inferred: Iterator[Tracked], config: RunConfig) -> Iterator[Tracked]:
    """Frames with steadier boxes and filled gaps; they wait, pictures and all, until their tracks are done."""
    for delay, seconds in ((Smoother, config.smooth_seconds), (GapFiller, config.gap_seconds)):
        if seconds > 0:
            inferred = _delayed(inferred, delay(seconds))
    return inferred


def _delayed(items: Iterator[Tracked], delay: Delay) -> Iterator[Tracked]:
    waiting: deque[Tracked] = deque()
    for item in items:
        waiting.append(item)
        for tracks in delay.push(item.tracks):
            yield waiting.popleft()._replace(tracks=tracks)
    for tracks in delay.rest():
        yield waiting.popleft()._replace(tracks=tracks)


def _reporter(
    sink: Sink, reader: VideoReader, stride: int, progress: Callable[[Progress], None] | None
) -> Callable[[int], None]:
    if progress is None:
        return lambda frames: None
    expected = None if reader.expected is None else -(-reader.expected // stride)
    return lambda frames: progress(Progress(frames, expected, sink.tracks, sink.clip_seconds))
