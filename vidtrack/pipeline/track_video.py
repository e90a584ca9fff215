"""One clip from end to end: decode, infer, draw and encode, each beside the others."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, TextIO

from vidtrack.core.class_names import class_filter
from vidtrack.core.errors import OutputError
from vidtrack.core.stages import Progress, Stages, Stopwatch
from vidtrack.core.types import Frame, no_tracks
from vidtrack.model.batching import DynamicBatcher
from vidtrack.model.checkpoint import load_model
from vidtrack.model.detector import DeformableDETR, Memory
from vidtrack.model.device import device_errors
from vidtrack.model.inference import FrameEncoder
from vidtrack.pipeline.checkpoint import Checkpointer, Parts, open_checkpointer
from vidtrack.pipeline.config import RunConfig
from vidtrack.pipeline.lookahead import Lookahead
from vidtrack.pipeline.outputs import Outputs, Tracked
from vidtrack.render.annotator import Annotator
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.tracker import Tracker
from vidtrack.tracklog import LogWriter, Status
from vidtrack.tracklog.header import Header, ModelInfo
from vidtrack.tracklog.provenance import hash_content, log_header
from vidtrack.tracklog.zones import Counter
from vidtrack.video import Problem, VideoReader, VideoWriter
from vidtrack.video.colour import graphics_white
from vidtrack.video.image_sequence import image_paths, is_sequence


@dataclass(frozen=True)
class TrackResult:
    """What became of a clip; `times` holds seconds and count of each kind of work."""

    source: Path
    status: Status  # COMPLETE, TRUNCATED or INTERRUPTED
    log: Path | None
    video: Path | None
    frames: int
    tracks: int
    seconds: float
    problems: tuple[Problem, ...]
    times: dict[str, tuple[float, int]]
    resumed: int = 0  # frames that an earlier run had done
    note: str = ""  # what was found of an earlier run, where it was asked for

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
    batcher: DynamicBatcher | None = None,
    source_name: str | None = None,
) -> TrackResult:
    """Track the objects of a clip; write a track log, an annotated video, both or neither.

    `model` is a loaded model, a known name or a checkpoint's path; `log` may be a text stream. An interrupt ends the
    clip early: what is done is kept, marked `interrupted`, and returned. Of a clip longer than `config.chunk_seconds`
    finished chunks are kept in a folder beside the outputs until they are whole; after an interrupt, a crash or an
    error `config.resume` goes on from there, to the same log and video, or with `overwrite` begins anew where that
    cannot be. With a `batcher`, frames are encoded together with those of clips that other threads track.

    `source_name` is what the log calls a clip that is a copy.

    Raises InputError, OutputError, ResourceError, UsageError or WeightsError. After an error in the middle, the log
    keeps what was done, marked `failed`; the video is dropped.
    """
    model = model if isinstance(model, DeformableDETR) else load_model(model)
    config = (config or RunConfig()).at_score(model.config.score)
    log = Path(log) if isinstance(log, str) else log
    video = None if video is None else Path(video)
    if not overwrite and not config.resume:
        refuse_existing(log, video)
    watch = Stopwatch()
    with ExitStack() as stack:
        reader = stack.enter_context(VideoReader(source, config.read))
        encoder = FrameEncoder(model, config.size, batcher)
        tracker = Tracker(model, _tracker_config(reader, config), class_filter(model.config.classes, config.classes))
        counter = Counter(config.lines, config.zones, reader.info.size)
        header = None if log is None and video is None else _header(reader, encoder, config, source_name)
        chunks = stack.enter_context(open_checkpointer(log, video, reader, header, config, overwrite))
        log_writer = (
            None
            if log is None or header is None
            else stack.enter_context(LogWriter(log, header, chunks.journal("log")))
        )
        video_writer = None if video is None else stack.enter_context(_open_writer(video, reader, config, chunks))
        annotator = Annotator(reader.info.size, model.config.classes, white=graphics_white(reader.info.colour))
        sink = Outputs(log_writer, video_writer, annotator, watch, counter, model.config.classes)
        revision = Lookahead(config.smooth_seconds, config.gap_seconds)
        chunks.join(Parts(tracker, revision, sink), reader)

        stages = stack.enter_context(Stages(watch))
        decoded = stages.first("decode", _with_problems(reader, sink.problems))
        encode = partial(_encode, encoder, len(revision.waiting), watch)
        encoded = stages.parallel("infer", encode, enumerate(decoded), encoder.workers, encoder.use_threads)
        tracked = stages.then("link", _link(encoded, encoder, tracker, chunks, revision.waiting, watch))
        written = stages.then("output", map(sink.write, revision.through(chunks.saved(tracked))))
        interrupted = stages.drain(written, _reporter(sink, reader, config.stride, chunks, progress))

        if interrupted and sink.frames == 0:
            raise KeyboardInterrupt
        status = Status.INTERRUPTED if interrupted else Status.TRUNCATED if reader.truncated else Status.COMPLETE
        sink.finish(status, reader, chunks.seconds)
        if not interrupted:
            chunks.done()
    return TrackResult(
        source=Path(source),
        status=status,
        log=log if isinstance(log, Path) else None,
        video=video,
        frames=sink.frames,
        tracks=sink.tracks,
        seconds=chunks.seconds,
        problems=(*reader.problems, *(video_writer.problems if video_writer else ())),
        times={name: (lap.seconds, lap.count) for name, lap in watch.laps.items()},
        resumed=chunks.resumed,
        note=chunks.note,
    )


def refuse_existing(*targets: Path | TextIO | None) -> None:
    """Raise OutputError where one of the paths is there already."""
    for target in targets:
        if isinstance(target, Path) and os.path.lexists(target):
            raise OutputError(f"{target} already exists", "choose another name, or overwrite it")


def _tracker_config(reader: VideoReader, config: RunConfig) -> TrackerConfig:
    """The tracker's config; in a still image no second frame can confirm what is seen."""
    return replace(config.tracker, confirm_score=0.0) if reader.info.frame_count == 1 else config.tracker


def _open_writer(path: Path, reader: VideoReader, config: RunConfig, chunks: Checkpointer) -> VideoWriter:
    return VideoWriter(
        path,
        reader.info,
        config.video,
        source=reader.info.path,
        start_seconds=config.start_seconds,
        end_seconds=config.end_seconds,
        journal=chunks.journal("video"),
    )


def _header(reader: VideoReader, encoder: FrameEncoder, config: RunConfig, source_name: str | None) -> Header:
    model, path = encoder.model, reader.info.path
    header = log_header(
        reader.info,
        hash_content(image_paths(path) if is_sequence(path) else [path]),
        config.parameters(),
        ModelInfo(model.origin.name, model.origin.sha256, tuple(model.config.classes)),
        str(encoder.device),
        encoder.precision,
    )
    return header if source_name is None else replace(header, source=replace(header.source, path=source_name))


def _with_problems(reader: VideoReader, known: int) -> Iterator[tuple[Frame, list[Problem]]]:
    """Frames, each with what went wrong on the way to it; the first `known` problems have been told before."""
    for frame in reader:
        problems = reader.problems[known:]
        known += len(problems)
        yield frame, problems


class Encoded(NamedTuple):
    """A frame and what the encoder made of it; None for a frame that an earlier run tracked."""

    frame: Frame
    problems: list[Problem]
    memory: Memory | None


def _encode(
    encoder: FrameEncoder, done: int, watch: Stopwatch, numbered: tuple[int, tuple[Frame, list[Problem]]]
) -> Encoded:
    number, (frame, problems) = numbered
    if number < done:
        return Encoded(frame, problems, None)
    with device_errors(encoder.device, "use a smaller --size or another device"):
        with watch.lap("preprocess"):
            pixels, padding = encoder.batch(frame.image)
        with watch.lap("encode"):
            return Encoded(frame, problems, encoder.encode(pixels, padding))


def _link(
    encoded: Iterator[Encoded],
    encoder: FrameEncoder,
    tracker: Tracker,
    chunks: Checkpointer,
    waiting: Iterable[bool],
    watch: Stopwatch,
) -> Iterator[Tracked]:
    """Tracked frames; those that were `waiting` when an earlier run ended were tracked by it."""
    encoder.use_threads()
    cuts = iter(waiting)
    for frame, problems, memory in encoded:
        if memory is None:
            yield Tracked(frame, no_tracks(frame), problems, next(cuts))
            continue
        edge = chunks.edge(frame)
        with device_errors(encoder.device, "use a smaller --size or another device"), watch.lap("track"):
            tracks = tracker.step(memory, frame)
        yield Tracked(frame, tracks, problems, tracker.cut, edge)


def _reporter(
    sink: Outputs, reader: VideoReader, stride: int, chunks: Checkpointer, progress: Callable[[Progress], None] | None
) -> Callable[[int], None]:
    if progress is None:
        return lambda frames: None
    expected = None if reader.expected is None else -(-reader.expected // stride)
    if chunks.note:
        progress(Progress(sink.frames, expected, sink.tracks, sink.clip_seconds, chunks.resumed, chunks.note))
    return lambda frames: progress(Progress(frames, expected, sink.tracks, sink.clip_seconds, chunks.resumed))
