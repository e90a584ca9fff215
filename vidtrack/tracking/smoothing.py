"""Steadier boxes and filled gaps, at a fixed delay behind the newest frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from vidtrack.core.boxes import interpolate
from vidtrack.core.errors import UsageError
from vidtrack.core.state_io import PackedFrames, pack_frames, unpack_frames
from vidtrack.core.types import FrameTracks, ObjectState
from vidtrack.tracklog import TrackLog
from vidtrack.tracklog.summary import summarise


def smooth(log: TrackLog, seconds: float = 0.5) -> TrackLog:
    """The log with steadier boxes; `seconds` is the window before and after each frame."""
    return _through(Smoother(seconds), log)


def fill_gaps(log: TrackLog, max_seconds: float) -> TrackLog:
    """The log with boxes interpolated over gaps of at most `max_seconds`."""
    return _through(GapFiller(max_seconds), log)


class Delay(Protocol):
    """A revision of frames that needs to see some time ahead; memory is bounded by that time."""

    def push(self, tracks: FrameTracks) -> Iterator[FrameTracks]:
        """Take the next frame; yields those before it that are done, in order."""

    def flush(self) -> Iterator[FrameTracks]:
        """The frames still held, at the end of the clip."""


class Delays:
    """Revisions one after another."""

    def __init__(self, delays: Sequence[Delay]) -> None:
        self._delays = delays

    def push(self, tracks: FrameTracks) -> Iterator[FrameTracks]:
        """Take the next frame; yields those before it that are done, in order."""
        return self._through([tracks], self._delays)

    def flush(self) -> Iterator[FrameTracks]:
        """The frames still held, at the end of the clip."""
        for number, delay in enumerate(self._delays, 1):
            yield from self._through(delay.flush(), self._delays[number:])

    def _through(self, frames: Iterable[FrameTracks], delays: Sequence[Delay]) -> Iterator[FrameTracks]:
        if not delays:
            yield from frames
            return
        for tracks in frames:
            yield from self._through(delays[0].push(tracks), delays[1:])


@dataclass(frozen=True)
class SmootherState:
    """The frames within reach of the first one that is not done, and how many of them are done."""

    frames: PackedFrames
    done: int


class Smoother:
    """Replaces each box by a line fitted to the boxes of its track around it, read at the box's own time.

    Least squares with weights 1 - (dt / seconds)^2 (local linear regression, Epanechnikov kernel): steady motion
    passes unchanged, neither late nor early.
    """

    def __init__(self, seconds: float) -> None:
        if not seconds > 0:
            raise UsageError(f"boxes cannot be smoothed over {seconds:g} s", "give a time above 0")
        self.seconds = seconds
        self._frames: deque[FrameTracks] = deque()  # those within reach of the first one not done
        self._done = 0  # how many of them are done

    def push(self, tracks: FrameTracks) -> Iterator[FrameTracks]:
        self._frames.append(tracks)
        while float(tracks.seconds - self._frames[self._done].seconds) > self.seconds:
            yield self._next()

    def state(self) -> SmootherState:
        """What `restore` needs."""
        return SmootherState(pack_frames(self._frames), self._done)

    def restore(self, state: SmootherState) -> None:
        """Continue from `state`."""
        self._frames, self._done = deque(unpack_frames(state.frames)), state.done

    def flush(self) -> Iterator[FrameTracks]:
        while self._done < len(self._frames):
            yield self._next()

    def _next(self) -> FrameTracks:
        now = self._frames[self._done]
        while float(now.seconds - self._frames[0].seconds) > self.seconds:
            self._frames.popleft()
            self._done -= 1
        self._done += 1
        return replace(now, boxes_xyxy=fit(now, self._frames, self.seconds)) if len(now) else now


@dataclass(frozen=True)
class GapFillerState:
    """The frames still held, and each track where it was last seen, one object per frame."""

    frames: PackedFrames
    last_seen: PackedFrames


class GapFiller:
    """Gives a track that was away for at most `seconds` interpolated boxes in the frames between, marked so."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._frames: deque[FrameTracks] = deque()
        self._seen: dict[int, tuple[FrameTracks, int]] = {}  # last frame and row of each id

    def push(self, tracks: FrameTracks) -> Iterator[FrameTracks]:
        for row, identity in enumerate(tracks.ids.tolist()):
            if identity in self._seen:
                self._fill(*self._seen[identity], tracks, row)
            self._seen[identity] = tracks, row
        self._frames.append(tracks)
        while float(tracks.seconds - self._frames[0].seconds) > self.seconds:
            yield self._frames.popleft()
        oldest = self._frames[0].seconds
        self._seen = {identity: last for identity, last in self._seen.items() if last[0].seconds >= oldest}

    def state(self) -> GapFillerState:
        """What `restore` needs."""
        seen = [tracks[row : row + 1] for tracks, row in self._seen.values()]
        return GapFillerState(pack_frames(self._frames), pack_frames(seen))

    def restore(self, state: GapFillerState) -> None:
        """Continue from `state`."""
        self._frames = deque(unpack_frames(state.frames))
        self._seen = {int(tracks.ids[0]): (tracks, 0) for tracks in unpack_frames(state.last_seen)}

    def flush(self) -> Iterator[FrameTracks]:
        yield from self._frames
        self._frames.clear()

    def _fill(self, before: FrameTracks, before_row: int, after: FrameTracks, after_row: int) -> None:
        """Add the boxes between two sightings to the frames held."""
        length = float(after.seconds - before.seconds)
        if before.index == self._frames[-1].index or length > self.seconds + 1e-9:
            return
        start, end = before.boxes_xyxy[before_row], after.boxes_xyxy[after_row]
        score = min(before.scores[before_row], after.scores[after_row])
        for place, frame in enumerate(self._frames):
            share = float(frame.seconds - before.seconds) / length
            if share > 0:
                box = interpolate(start, end, share)
                self._frames[place] = _with_object(frame, after.ids[after_row], before.classes[before_row], score, box)


def fit(now: FrameTracks, frames: Iterable[FrameTracks], seconds: float) -> np.ndarray:
    """Boxes (N, 4) of the frame `now` on lines through the boxes of the same ids in `frames`, itself among them."""
    around = [frame for frame in frames if len(frame)]
    ahead = np.repeat([float(frame.seconds - now.seconds) for frame in around], [len(frame) for frame in around])
    ids = np.concatenate([frame.ids for frame in around])
    boxes = np.concatenate([frame.boxes_xyxy for frame in around])  # (M, 4)
    weights = np.maximum(1 - (ahead / seconds) ** 2, 0.0) * (now.ids[:, None] == ids)  # (N, M)
    total, first, second = (weights @ np.stack([np.ones_like(ahead), ahead, ahead**2], axis=1)).T[..., None]
    mean, slope = weights @ boxes, (weights * ahead) @ boxes
    spread = total * second - first**2  # 0 for a single box
    fitted = np.where(spread > 0, (second * mean - first * slope) / np.maximum(spread, 1e-12), mean / total)
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)  # the end of a line stays inside the image
    return np.clip(fitted, np.tile(low, 2), np.tile(high, 2)).astype(np.float32)


def _with_object(frame: FrameTracks, identity: int, kind: int, score: float, box: np.ndarray) -> FrameTracks:
    """The frame with one more, interpolated object, in order of id."""
    added = replace(
        frame,
        ids=np.array([identity], np.int64),
        classes=np.array([kind], np.int64),
        scores=np.array([score], np.float32),
        boxes_xyxy=box[None].astype(np.float32),
        states=np.array([ObjectState.INTERPOLATED], np.int64),
    )
    joined = FrameTracks.concat([frame, added])
    return joined[np.argsort(joined.ids, kind="stable")]


def _through(delay: Delay, log: TrackLog) -> TrackLog:
    """The log with its frames revised."""
    frames = [done for tracks in log for done in delay.push(tracks)]
    frames += delay.flush()
    return replace(log.with_frames(frames), summaries=summarise(frames)) if frames else log
