"""Track one clip: decode, infer, and draw and encode in threads that overlap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TextIO

from vidtrack.core.atomic_files import AtomicFile, refuse_existing
from vidtrack.core.class_names import class_filter
from vidtrack.core.stages import Progress, Stages, Stopwatch
from vidtrack.core.types import Frame, VideoInfo
from vidtrack.model.batching import DynamicBatcher
from vidtrack.model.detectors import load_model
from vidtrack.model.inference import FrameEncoder
from vidtrack.model.protocol import Detector
from vidtrack.pipeline.checkpoint import Checkpointer
from vidtrack.pipeline.config import RunConfig
from vidtrack.pipeline.earlier_run import SavedWork, find_saved_work
from vidtrack.pipeline.inference import Inference
from vidtrack.pipeline.lookahead import Lookahead
from vidtrack.pipeline.outputs import Outputs
from vidtrack.pipeline.schedule import detection_step, gap_between_detections
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.steadying import Steadier
from vidtrack.tracking.tracker import make_tracker
from vidtrack.tracklog import LogWriter, Status
from vidtrack.tracklog.header import ContentHash, Header, ModelInfo
from vidtrack.tracklog.provenance import hash_content, log_header, path_for_log
from vidtrack.video import LiveReader, Problem, Reader, VideoReader, VideoStreamWriter, VideoWriter
from vidtrack.video.image_sequence import image_paths, is_sequence


@dataclass(frozen=True)
class TrackResult:
    """The outcome of a clip; `times` holds seconds and count per kind of work."""

    source: Path
    status: Status  # COMPLETE, TRUNCATED or INTERRUPTED
    log: Path | None
    video: Path | None
    frames: int
    tracks: int
    seconds: float
    problems: tuple[Problem, ...]
    times: dict[str, tuple[float, int]]
    resumed: int = 0  # frames taken over from an earlier run
    note: str = ""  # what was found of an earlier run, if asked for

    @property
    def frames_per_second(self) -> float:
        """Frames per second of wall-clock time, everything included."""
        return self.frames / self.seconds


def track_video(
    source: str | Path | VideoInfo | LiveReader,
    model: Detector | str | Path = "default",
    *,
    log: str | Path | TextIO | None = None,
    video: str | Path | IO[bytes] | None = None,
    config: RunConfig | None = None,
    overwrite: bool = False,
    progress: Callable[[Progress], None] | None = None,
    batcher: DynamicBatcher | None = None,
    source_name: str | None = None,
    show: Callable[[Frame], None] | None = None,
) -> TrackResult:
    """Track the objects of a clip; write a track log, an annotated video, both or neither.

    `source` is a path, the VideoInfo of a clip that was probed before, or a live source, which is tracked without delay
    and whose end an interrupt is; `model` is a loaded model, a known name or a checkpoint's path; `log` may be a text
    stream, and `video` a binary one, which gets raw video in NUT. An interrupt stops the clip early: what is done is
    kept, marked `interrupted`, and returned. For a clip longer than `config.chunk_seconds`, finished chunks are kept in
    a folder beside the outputs until these are complete; after an interrupt, a crash or an error `config.resume`
    continues from there, to the same log and video, or with `overwrite` starts over if that is impossible. With a
    `batcher`, frames are encoded together with those of clips that other threads track. `source_name` is the clip's
    name in the log, for a clip that is a copy. `show` gets every drawn frame, in another thread.

    Raises InputError, OutputError, ResourceError, UsageError or WeightsError. After an error midway, the log keeps
    what was done, marked `failed`; the video is deleted.
    """
    detector = load_model(model) if isinstance(model, (str, Path)) else model
    config = (config or RunConfig()).for_detector(detector)
    if isinstance(source, LiveReader):
        config = replace(config, live=True)
    log = Path(log) if isinstance(log, str) else log
    video = Path(video) if isinstance(video, str) else video
    if not overwrite and not config.resume:
        refuse_existing([target for target in (log, video) if isinstance(target, Path)])
    watch = Stopwatch()
    with ExitStack() as stack:
        reader = source if isinstance(source, LiveReader) else VideoReader(source, config.read)
        stack.enter_context(reader)
        encoder = FrameEncoder(detector, config.size, batcher)
        wanted = class_filter(detector.class_names, config.classes)
        tracker = make_tracker(detector, _tracker_config(reader, config), wanted)
        if source_name is None and isinstance(log, Path) and not isinstance(reader, LiveReader):
            source_name = str(path_for_log(reader.info.path, log))
        header = None if log is None and video is None else _header(reader, encoder, config, source_name)
        # locked before anything of an earlier run is touched, which may still be at work
        log_file = lock(log, stack) if isinstance(log, Path) else log
        video_file = lock(video, stack) if isinstance(video, Path) else video
        work = SavedWork()
        if not isinstance(reader, LiveReader) and (video is None or isinstance(video, Path)):
            work = find_saved_work(log, video, reader, header, config, overwrite)
        stack.enter_context(work)
        log_writer: LogWriter | None = None
        if log_file is not None and header is not None:
            log_writer = stack.enter_context(LogWriter(log_file, header, work.journal("log")))
        video_writer = None if video_file is None else _video_writer(video_file, reader, config, work)
        if video_writer is not None:
            stack.enter_context(video_writer)
        outputs = Outputs(log_writer, video_writer, reader.info, detector.class_names, config, watch, show)
        step = detection_step(1 if config.live else config.detect_every, reader.info, config.stride)
        steadier = Steadier(reader.info) if video_writer is not None and config.look.steady else None
        gap = gap_between_detections(step, reader.info, config.stride)
        lookahead = Lookahead.of(config, gap, steadier)
        checkpointer = Checkpointer(work, config, reader, tracker, lookahead, outputs)  # restores all four

        stages = Stages(watch, 1, reader.stop) if isinstance(reader, LiveReader) else Stages(watch)
        stack.enter_context(stages)
        decoded = stages.first("decode", with_problems(reader, outputs.problems))
        inference = Inference(encoder, tracker, step, config.stride, lookahead.waiting, watch)
        numbered = enumerate(decoded)
        encoded = stages.parallel("infer", inference.encode, numbered, encoder.workers, encoder.use_threads)
        tracked = stages.then("link", inference.link(encoded, checkpointer))
        final = lookahead.apply(checkpointer.save_at_boundaries(tracked))
        written = stages.then("output", map(outputs.write, final))
        interrupted = stages.drain(written, _reporter(outputs, reader, config.stride, checkpointer, progress))

        if interrupted and outputs.frames == 0:
            raise KeyboardInterrupt
        interrupted = interrupted and not isinstance(reader, LiveReader)  # nothing else ends a camera
        status = Status.INTERRUPTED if interrupted else Status.TRUNCATED if reader.truncated else Status.COMPLETE
        outputs.finish(status, reader, checkpointer.seconds)
        if not interrupted:
            checkpointer.discard()
    return TrackResult(
        source=reader.info.path,
        status=status,
        log=log if isinstance(log, Path) else None,
        video=video if isinstance(video, Path) else None,
        frames=outputs.frames,
        tracks=outputs.tracks,
        seconds=checkpointer.seconds,
        problems=(*reader.problems, *(video_writer.problems if video_writer else ())),
        times={name: (lap.seconds, lap.count) for name, lap in watch.laps.items()},
        resumed=checkpointer.resumed,
        note=checkpointer.note,
    )


def lock(path: Path, stack: ExitStack) -> AtomicFile:
    """A file that is discarded at the end of `stack` unless it was committed."""
    file = AtomicFile(path)
    stack.callback(file.discard)
    return file


def _tracker_config(reader: Reader, config: RunConfig) -> TrackerConfig:
    """The tracker's config; in a still image no second frame can confirm what is seen."""
    return replace(config.tracker, confirm_score=0.0) if reader.info.frame_count == 1 else config.tracker


def _video_writer(
    file: AtomicFile | IO[bytes], reader: Reader, config: RunConfig, work: SavedWork
) -> VideoWriter | VideoStreamWriter:
    if not isinstance(file, AtomicFile):
        return VideoStreamWriter(file, reader.info)
    return VideoWriter(
        file,
        reader.info,
        config.video,
        source=reader.info.path,
        start_seconds=config.start_seconds,
        end_seconds=config.end_seconds,
        journal=work.journal("video"),
    )


def _header(reader: Reader, encoder: FrameEncoder, config: RunConfig, source_name: str | None) -> Header:
    detector = encoder.detector
    header = log_header(
        reader.info,
        _hashed(reader),
        config.parameters(),
        ModelInfo(detector.origin.name, detector.origin.sha256, detector.class_names),
        str(detector.device),
        detector.precision,
    )
    return header if source_name is None else replace(header, source=replace(header.source, path=source_name))


def _hashed(reader: Reader) -> ContentHash:
    path = reader.info.path
    if isinstance(reader, LiveReader):
        return hash_content([])  # of nothing: it cannot be read again
    return hash_content(image_paths(path) if is_sequence(path) else [path])


def with_problems(reader: Reader, known: int) -> Iterator[tuple[Frame, list[Problem]]]:
    """Frames, each with the problems met while decoding it; the first `known` ones were reported by an earlier run."""
    for frame in reader:
        problems = reader.problems[known:]
        known += len(problems)
        yield frame, problems


def _reporter(
    outputs: Outputs,
    reader: Reader,
    stride: int,
    checkpointer: Checkpointer,
    progress: Callable[[Progress], None] | None,
) -> Callable[[int], None]:
    if progress is None:
        return lambda frames: None
    expected = None if reader.expected is None else -(-reader.expected // stride)

    def report(frames: int, note: str = "") -> None:
        progress(Progress(frames, expected, outputs.tracks, outputs.clip_seconds, checkpointer.resumed, note))

    if checkpointer.note:
        report(outputs.frames, checkpointer.note)
    return report
