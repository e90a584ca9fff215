"""Renders one video from a clip and a log: decode, change and encode run side by side."""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from vidtrack.core.errors import OutputError
from vidtrack.core.stages import Progress, Stages, Stopwatch
from vidtrack.core.types import Frame, FrameTracks, VideoInfo
from vidtrack.core.wording import plural
from vidtrack.tracklog import Status, TrackLog
from vidtrack.tracklog.source_video import Footage, step_of, with_objects
from vidtrack.video import VideoReader, VideoWriter
from vidtrack.video.codecs import VideoCodec, codec_for
from vidtrack.video.config import EncodeConfig

_SAME_LENGTH_SECONDS = 0.5  # that two versions of a clip may differ by
_INSTANT = 1.5e-3  # seconds; closer times are equal: in whole milliseconds, as in mkv, steps differ by up to one


@dataclass(frozen=True)
class RenderedFrame:
    """A frame to encode, with its opacity (H, W) uint8 if the video has one."""

    frame: Frame
    alpha: np.ndarray | None = None


Effect = Callable[[Frame, FrameTracks], RenderedFrame]


@dataclass(frozen=True)
class RenderJob:
    """A video to make: which part of the clip, what is done to it, and what comes out.

    `log` has the objects that `effect` gets; `info` is the clip's, with the size and pixel aspect of the output.
    `generous` is for hiding: see `vidtrack.tracklog.source_video.with_objects`.
    """

    path: Path
    log: TrackLog
    effect: Effect
    info: VideoInfo
    start_seconds: Fraction | None = None
    end_seconds: Fraction | None = None
    generous: bool = False


@dataclass(frozen=True)
class RenderResult:
    """A finished file; `warnings` name what went wrong or was left out, `unlogged` frames are not in the log."""

    path: Path
    frames: int
    unlogged: int
    seconds: float
    warnings: tuple[str, ...]


def render_video(
    footage: Footage, job: RenderJob, video: EncodeConfig, progress: Callable[[Progress], None] | None = None
) -> RenderResult:
    """Encode a video, which appears when it is complete; an interrupt or an error leaves nothing behind.

    A clip with more than 8 bits per sample keeps them if the codec can.

    Raises InputError, OutputError, UsageError, and KeyboardInterrupt.
    """
    began = time.perf_counter()
    start, end = footage.within(job.start_seconds, job.end_seconds)
    codec = codec_for(video.codec, job.path, deep=footage.info.bit_depth > 8)
    deep = codec.is_deep and footage.info.bit_depth > 8
    with footage.open(start, end, deep) as reader:
        writer = VideoWriter(
            job.path,
            job.info,
            video,
            source=footage.info.path,
            start_seconds=start,
            end_seconds=end,
            deep=deep,
            with_images=not job.generous,  # when tracks are hidden, cover art may show them
        )
        shown = array("d")  # seconds of each frame
        try:
            with Stages(Stopwatch()) as stages:
                decoded = stages.first("decode", reader)
                changed = stages.then("change", _changed(decoded, job, footage.scale))
                written = stages.then("encode", _encoded(changed, writer, shown))
                interrupted = stages.drain(written, _reporter(reader, progress))
            if interrupted:
                raise KeyboardInterrupt
            writer.close()
        except BaseException:
            writer.abort(keep=False)
            raise
        seconds = np.array(shown)
        unlogged = _unlogged(job.log, seconds)
        warnings = (
            *mismatches(job.log, footage.info),
            *_lacking(job, seconds, unlogged, end),
            *_lost_depth(footage.info, codec),
            *(problem.message for problem in (*reader.problems, *writer.problems)),
        )
    return RenderResult(job.path, writer.written, len(unlogged), time.perf_counter() - began, warnings)


def make_folder(folder: Path) -> None:
    """Make a folder with those above it; raises OutputError if that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror}", "choose another") from None


def _changed(frames: Iterator[Frame], job: RenderJob, scale: tuple[float, float]) -> Iterator[RenderedFrame]:
    for frame, tracks in with_objects(frames, job.log, scale, job.generous):
        yield job.effect(frame, tracks)


def _encoded(frames: Iterator[RenderedFrame], writer: VideoWriter, shown: array[float]) -> Iterator[float]:
    """Clip time of each frame once it is written, also appended to `shown`."""
    for rendered in frames:
        writer.write(rendered.frame, rendered.alpha)
        shown.append(float(rendered.frame.seconds))
        yield shown[-1]


def _reporter(reader: VideoReader, progress: Callable[[Progress], None] | None) -> Callable[[float], None]:
    frames = 0

    def report(clip_seconds: float) -> None:
        nonlocal frames
        frames += 1
        if progress is not None:
            progress(Progress(frames, reader.expected, 0, clip_seconds))

    return report


def _lost_depth(info: VideoInfo, codec: VideoCodec) -> list[str]:
    if info.bit_depth <= 8 or codec.is_deep:
        return []
    return [
        f"the clip has {info.bit_depth} bits per sample, {codec.name} keeps 8; --codec hevc, av1 or prores keep more"
    ]


def _unlogged(log: TrackLog, shown: np.ndarray) -> np.ndarray:
    """The seconds, among frames `shown` (F,), that no frame of the log covers."""
    step = _step_seconds(log)
    rows = np.searchsorted(log.frame_seconds, shown + _instant(step), side="right") - 1
    since = shown - log.frame_seconds[np.maximum(rows, 0)]
    return shown[(rows < 0) | (since > step - _instant(step))]


def _step_seconds(log: TrackLog) -> float:
    return step_of(log) * float(log.time_base)


def _instant(step: float) -> float:
    return min(_INSTANT, step / 2)


def _lacking(job: RenderJob, shown: np.ndarray, unlogged: np.ndarray, end: Fraction | None) -> Iterator[str]:
    """Warnings about frames that only the clip has or, up to `end`, only the log."""
    if len(unlogged):
        known = "objects that appear or move there may show" if job.generous else "no track is known there"
        yield f"the log lacks {plural(len(unlogged), 'frame')} from {unlogged[0]:.2f} s on: {known}"
    logged = job.log.frame_seconds
    step = np.diff(shown).max(initial=_step_seconds(job.log))  # the clip's, where it has fewer frames per second
    after = (logged > shown[-1] + step - _instant(step)) & (logged < float(end or math.inf))
    if after.any():
        yield f"the clip ends at {shown[-1]:.2f} s, {plural(int(after.sum()), 'frame')} before the log does"


def mismatches(log: TrackLog, info: VideoInfo) -> list[str]:
    """Warnings about a log that ends before its clip, and about a clip of another length than the log's."""
    said = []
    if log.status is not Status.COMPLETE:
        ends = f"the log ends at {log.frame_seconds[-1]:.2f} s ({log.status}): so does the output"
        said.append(f"{log.problem}; {ends}" if log.problem else ends)
    lasted = log.header.source.duration_seconds
    more = Fraction(0) if lasted is None or info.duration_seconds is None else info.duration_seconds - lasted
    if abs(more) > _SAME_LENGTH_SECONDS:
        known = "longer than the log's" if more > 0 else "shorter than the log's"
        said.append(f"the clip is {abs(float(more)):.2f} s {known}; if they start apart, every box is misplaced")
    return said
