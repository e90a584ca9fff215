"""The clip of a track log: found, checked against the log, and read with its objects frame by frame."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from vidtrack.core.boxes import interpolate
from vidtrack.core.errors import InputError
from vidtrack.core.status import Status
from vidtrack.core.types import Frame, FrameTracks, ObjectState, VideoInfo, no_tracks
from vidtrack.tracklog.header import Source
from vidtrack.tracklog.provenance import find_source, is_source
from vidtrack.tracklog.track_log import TrackLog
from vidtrack.video import ReadConfig, VideoReader, probe
from vidtrack.video.image_sequence import is_sequence
from vidtrack.video.limits import DEFAULT_LIMITS, Limits

_SAME_SHAPE = 0.01  # relative difference in aspect between versions of a clip: sizes are rounded to even numbers


@dataclass(frozen=True)
class Footage:
    """A log's clip; the log covers the time from `start_seconds` (None: the first frame) to `end_seconds`.

    `scale` is the clip's (width, height) relative to the log's: 1 unless another version of the clip was requested.
    """

    info: VideoInfo
    start_seconds: Fraction | None
    end_seconds: Fraction | None
    scale: tuple[float, float] = (1.0, 1.0)
    limits: Limits = DEFAULT_LIMITS

    def open(
        self, start_seconds: Fraction | None = None, end_seconds: Fraction | None = None, deep: bool = False
    ) -> VideoReader:
        """The frames between two times, as far as the log covers them; `deep` as in `VideoReader`."""
        start, end = self.within(start_seconds, end_seconds)
        limits = replace(self.limits, seconds=None)  # it was tracked, whatever its length
        return VideoReader(self.info, ReadConfig(start, end, limits=limits, deep=deep))

    def within(self, start: Fraction | None, end: Fraction | None) -> tuple[Fraction | None, Fraction | None]:
        """The part of a time range that the log covers; None is open."""
        starts = [seconds for seconds in (start, self.start_seconds) if seconds is not None]
        ends = [seconds for seconds in (end, self.end_seconds) if seconds is not None]
        return max(starts, default=None), min(ends, default=None)


def find_footage(
    log: TrackLog,
    log_path: Path,
    video: Path | None = None,
    another_version: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> Footage:
    """The clip `video`, or the one that `find_source` finds.

    `another_version` also accepts other content, rate or size, such as the full-size original of a proxy, as long as
    the image has the same shape. Raises InputError if there is no clip, or not the one of the log.
    """
    source = log.header.source
    path = video or find_source(source, log_path)
    if path is None:
        missing = f"cannot find {source.path}, the clip of {log_path}" if source.path else f"{log_path} names no clip"
        raise InputError(missing, "give the clip after the log")
    framerate = source.average_rate if is_sequence(path) else None
    info = probe(path, framerate, limits, None if another_version else source.stream)
    if another_version:
        _check_shape(info, source)
    else:
        _check_same(info, source)
    scale = info.size[0] / source.size[0], info.size[1] / source.size[1]
    return Footage(info, *_logged_range(log), scale=scale, limits=limits)


def with_objects(
    frames: Iterable[Frame], log: TrackLog, scale: tuple[float, float] = (1.0, 1.0), generous: bool = False
) -> Iterator[tuple[Frame, FrameTracks]]:
    """Each frame with its objects; between logged frames (stride, another rate) boxes are interpolated.

    An object logged on only one side of such a frame belongs to it if that side is nearer; across a cut its box is that
    of the nearer side. If `generous`, it always belongs to it, and its box encloses those of both sides.

    The last logged frame lasts for `step_of` the log, or if `generous` until the end.
    """
    shots = log.shots
    end = math.inf if generous else int(log.frame_pts[-1]) + step_of(log)
    for frame in frames:
        tick = frame.seconds / log.time_base
        tracks = _objects_at(log, shots, tick, generous) if tick < end else no_tracks(frame)
        boxes = tracks.boxes_xyxy if scale == (1.0, 1.0) else tracks.boxes_xyxy * np.array([*scale, *scale], np.float32)
        yield frame, replace(tracks, index=frame.index, pts=frame.pts, time_base=frame.time_base, boxes_xyxy=boxes)


def step_of(log: TrackLog) -> float:
    """Ticks that a logged frame lasts: the longest step between neighbours, gaps in the log aside.

    A lone frame lasts as many clip frames as the run's stride, or without limit if the log does not know its rate.
    """
    strides = np.diff(log.frame_indices)
    if len(strides):
        return float(np.diff(log.frame_pts)[strides == strides.min()].max())
    rate = log.header.source.average_rate
    return float(log.header.run.stride / (rate * log.time_base)) if rate else math.inf


def _check_same(info: VideoInfo, source: Source) -> None:
    path = info.path
    if is_source(path, source):
        return
    if info.size != source.size:
        what = "its size is {}x{}, the log's is {}x{}".format(*info.size, *source.size)
    elif info.average_rate != source.average_rate:
        what = f"its rate is {_rate(info.average_rate)}, the log's is {_rate(source.average_rate)}"
    else:
        what = "it has the same size and rate, but other content"
    raise InputError(f"{path} is not the clip of the log: {what}", "--force accepts another version of the same shot")


def _check_shape(info: VideoInfo, source: Source) -> None:
    """Compare the shapes as displayed, so that a change of pixel aspect does not matter."""
    shape, logged = (Fraction(*clip.size) * clip.sample_aspect_ratio for clip in (info, source))
    if abs(shape / logged - 1) > _SAME_SHAPE:
        raise InputError(
            f"{info.path} has an aspect of {float(shape):.3f}:1, the clip of the log {float(logged):.3f}:1",
            "boxes cannot be transferred",
        )


def _rate(rate: Fraction | None) -> str:
    return "unknown" if rate is None else f"{float(rate):g}"


def _logged_range(log: TrackLog) -> tuple[Fraction | None, Fraction | None]:
    """The requested range; for a log that ends early, only the part it reached."""
    run = log.header.run
    if log.status is not Status.COMPLETE and len(log):
        return run.start_seconds, (int(log.frame_pts[-1]) + 1) * log.time_base
    return run.start_seconds, run.end_seconds


def _objects_at(log: TrackLog, shots: np.ndarray, tick: Fraction, generous: bool) -> FrameTracks:
    """Objects at `tick`, in the log's time base; `shots` (F,) is the shot of each of its frames."""
    row = int(np.searchsorted(log.frame_pts, float(tick), side="right")) - 1
    if row < 0 or row == len(log) - 1 or int(log.frame_pts[row]) == tick:
        return log[max(row, 0)]
    before, after = log[row], log[row + 1]
    share = float(tick - before.pts) / (after.pts - before.pts)
    in_both, at_before, at_after = np.intersect1d(before.ids, after.ids, return_indices=True)
    first, second = before.boxes_xyxy[at_before], after.boxes_xyxy[at_after]
    if generous:
        boxes = np.hstack([np.minimum(first[:, :2], second[:, :2]), np.maximum(first[:, 2:], second[:, 2:])])
    elif shots[row] == shots[row + 1]:
        boxes = interpolate(first, second, share)
    else:
        boxes = first if share < 0.5 else second
    mixed = replace(
        before[at_before],
        boxes_xyxy=boxes.astype(np.float32),
        states=np.full(len(in_both), int(ObjectState.INTERPOLATED), np.int64),
    )
    lone_before = before[~np.isin(before.ids, in_both) & (generous or share < 0.5)]
    lone_after = after[~np.isin(after.ids, in_both) & (generous or share >= 0.5)]
    return FrameTracks.concat([mixed, lone_before, lone_after])
