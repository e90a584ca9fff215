"""The clip of a track log: found, checked to be the log's own, and read with its objects frame by frame."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from vidtrack.core.errors import InputError
from vidtrack.core.types import Frame, FrameTracks, ObjectState, VideoInfo, no_tracks
from vidtrack.tracklog import TrackLog, shots_of
from vidtrack.tracklog.provenance import find_source, is_source
from vidtrack.tracklog.schema import LARGEST
from vidtrack.video import ReadConfig, VideoReader, probe
from vidtrack.video.image_sequence import is_sequence
from vidtrack.video.limits import DEFAULT_LIMITS, Limits

_SAME_SHAPE = 0.01  # two versions of a clip may differ by this share in aspect: sizes are rounded to even


@dataclass(frozen=True)
class Footage:
    """A log's clip; the log speaks of the time from `start_seconds` (None: the first frame) to `end_seconds`.

    `scale` is the clip's (width, height) over the log's: 1 unless another version of the clip was asked for.
    """

    info: VideoInfo
    start_seconds: Fraction | None
    end_seconds: Fraction | None
    scale: tuple[float, float] = (1.0, 1.0)
    limits: Limits = DEFAULT_LIMITS

    def open(
        self, start_seconds: Fraction | None = None, end_seconds: Fraction | None = None, deep: bool = False
    ) -> VideoReader:
        """The frames between two times, as far as the log speaks of them; `deep` as in `VideoReader`."""
        start, end = self.within(start_seconds, end_seconds)
        limits = replace(self.limits, seconds=None)  # it was tracked, however long it is
        return VideoReader(self.info, ReadConfig(start, end, limits=limits, deep=deep))

    def within(self, start: Fraction | None, end: Fraction | None) -> tuple[Fraction | None, Fraction | None]:
        """The part of a time range that the log speaks of; None is open."""
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
    """The clip `video`, or the one the log names: as `find_source` finds it.

    `another_version` takes one of other content, rate or size too, such as the full-size original of a proxy, as long
    as the picture has the same shape. Raises InputError where there is no clip, or not that of the log.
    """
    source = log.header["source"]
    path = video or find_source(source, log_path)
    if path is None:
        raise InputError(f"the clip of {log_path}, {source['path']}, is not there", "give the clip after the log")
    framerate = Fraction(*source["average_rate"]) if is_sequence(path) and source.get("average_rate") else None
    info = probe(path, framerate, limits)
    if another_version:
        _check_shape(info, source)
    else:
        _check_same(info, source)
    width, height = source["size"]
    return Footage(info, *_logged_range(log), scale=(info.size[0] / width, info.size[1] / height), limits=limits)


def with_objects(
    frames: Iterable[Frame], log: TrackLog, scale: tuple[float, float] = (1.0, 1.0), generous: bool = False
) -> Iterator[tuple[Frame, FrameTracks]]:
    """Each frame with its objects; between logged frames (stride, another rate) boxes are interpolated.

    An object logged on one side only of such a frame belongs to it if that side is nearer, and where a cut lies between
    its box is that of the nearer side. If `generous`, it always belongs to it, and its box is around those of both.

    The last logged frame counts for `step_of` the log, if `generous` for all that follow.
    """
    shots = shots_of(log)
    end = math.inf if generous else int(log.frame_pts[-1]) + step_of(log)
    for frame in frames:
        tick = frame.seconds / log.time_base
        tracks = _objects_at(log, shots, tick, generous) if tick < end else no_tracks(frame)
        boxes = tracks.boxes_xyxy if scale == (1.0, 1.0) else tracks.boxes_xyxy * np.array([*scale, *scale], np.float32)
        yield frame, replace(tracks, index=frame.index, pts=frame.pts, time_base=frame.time_base, boxes_xyxy=boxes)


def step_of(log: TrackLog) -> float:
    """Ticks that a logged frame counts for: the longest from one to the next, apart from holes in the log.

    A lone frame counts for as many of the clip's as the run's stride, and without limit where the log does not know
    its rate.
    """
    strides = np.diff(log.frame_indices)
    if len(strides):
        return float(np.diff(log.frame_pts)[strides == strides.min()].max())
    rate = log.header["source"].get("average_rate")
    return float(_stride(log) / (Fraction(*rate) * log.time_base)) if rate and rate[0] else math.inf


def _stride(log: TrackLog) -> int:
    """The stride of the run; any program may have written the log, with choices of its own."""
    stride = log.header["run"]["parameters"].get("stride")
    return stride if isinstance(stride, int) and 1 <= stride <= LARGEST else 1


def _check_same(info: VideoInfo, source: dict[str, Any]) -> None:
    path = info.path
    if is_source(path, source):
        return
    rate = None if info.average_rate is None else [info.average_rate.numerator, info.average_rate.denominator]
    if list(info.size) != source["size"]:
        what = "its size is {}x{}, the log's {}x{}".format(*info.size, *source["size"])
    elif rate != source.get("average_rate"):
        what = f"its rate is {_rate(rate)}, the log's {_rate(source.get('average_rate'))}"
    else:
        what = "size and rate are the log's, its content is not"
    raise InputError(f"{path} is not the clip of the log: {what}", "--force takes another version of the same shot")


def _check_shape(info: VideoInfo, source: dict[str, Any]) -> None:
    """Compare the shapes as displayed, which a change of pixel aspect leaves alone."""
    shape, logged = (
        Fraction(width, height) * aspect
        for (width, height), aspect in (
            (info.size, info.sample_aspect_ratio),
            (source["size"], Fraction(*source["sample_aspect_ratio"])),
        )
    )
    if abs(shape / logged - 1) > _SAME_SHAPE:
        raise InputError(
            f"{info.path} has the shape {float(shape):.3f}:1, the clip of the log {float(logged):.3f}:1",
            "boxes cannot be carried over",
        )


def _rate(rate: list[int] | None) -> str:
    return "unknown" if rate is None else f"{rate[0] / rate[1]:g}"


def _logged_range(log: TrackLog) -> tuple[Fraction | None, Fraction | None]:
    """What the run was asked for; of a log that ends early, only what it got to."""
    parameters = log.header["run"]["parameters"]
    start, end = (
        None if parameters.get(name) is None else Fraction(str(parameters[name]))
        for name in ("start_seconds", "end_seconds")
    )
    if log.status != "complete" and len(log):
        end = (int(log.frame_pts[-1]) + 1) * log.time_base
    return start, end


def _objects_at(log: TrackLog, shots: np.ndarray, tick: Fraction, generous: bool) -> FrameTracks:
    """Objects at `tick`, in the log's time base; `shots` (F,) are the ordinals of its frames' shots."""
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
        boxes = first * (1 - share) + second * share
    else:
        boxes = first if share < 0.5 else second
    mixed = replace(
        _part(before, at_before),
        boxes_xyxy=boxes.astype(np.float32),
        states=np.full(len(in_both), int(ObjectState.INTERPOLATED), np.int64),
    )
    lone_before = _part(before, np.flatnonzero(~np.isin(before.ids, in_both) & (generous or share < 0.5)))
    lone_after = _part(after, np.flatnonzero(~np.isin(after.ids, in_both) & (generous or share >= 0.5)))
    return _joined(mixed, lone_before, lone_after)


def _part(tracks: FrameTracks, chosen: np.ndarray) -> FrameTracks:
    return replace(
        tracks,
        ids=tracks.ids[chosen],
        classes=tracks.classes[chosen],
        scores=tracks.scores[chosen],
        boxes_xyxy=tracks.boxes_xyxy[chosen],
        states=tracks.states[chosen],
    )


def _joined(first: FrameTracks, *others: FrameTracks) -> FrameTracks:
    parts = (first, *others)
    return replace(
        first,
        ids=np.concatenate([part.ids for part in parts]),
        classes=np.concatenate([part.classes for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        boxes_xyxy=np.concatenate([part.boxes_xyxy for part in parts]),
        states=np.concatenate([part.states for part in parts]),
    )
