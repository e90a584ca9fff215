"""What the next moments say about tracks: their first frame, their class, and whether they are objects at all."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from vidtrack.core.boxes import interpolate
from vidtrack.core.state_io import PackedFrames, pack_frames, unpack_frames
from vidtrack.core.types import Exchange, FrameTracks, ObjectState
from vidtrack.tracking.config import HindsightConfig

_FORGET_SECONDS = 10.0  # longer than any track is remembered unseen


@dataclass
class History:
    """What is known of a track; `number` is the id it is shown under, 0 before that.

    The last three are those of the last sighting in a frame that is done.
    """

    first_seconds: float
    last_seconds: float
    best_score: float = 0.0
    votes: dict[str, float] = field(default_factory=dict)  # score sums by class number
    number: int = 0
    cls: int = 0
    seconds: float = 0.0
    score: float = 0.0
    box_xyxy: tuple[float, ...] = ()


@dataclass(frozen=True)
class HindsightState:
    """The frames still held, the tracks by id, and the last number given."""

    frames: PackedFrames
    tracks: dict[str, History]
    last_number: int


class Hindsight:
    """Holds frames for `config.seconds` and revises their tracks by what comes within that time.

    A track begins where it was first seen, not where it was confirmed; has interpolated boxes, marked so, where it was
    away for at most that time; keeps one class, that with the largest sum of scores by the time it is shown; and is
    left out while it was seen too briefly to be believed. Tracks are numbered from 1 in the order in which they are
    shown.
    """

    def __init__(self, config: HindsightConfig) -> None:
        self.config = config
        self._frames: deque[FrameTracks] = deque()
        self._tracks: dict[int, History] = {}
        self._last_number = 0
        self._newest = 0.0

    def push(
        self, tracks: FrameTracks, earlier: FrameTracks | None = None, exchange: Exchange | None = None
    ) -> Iterator[FrameTracks]:
        """Take the next frame; yields those before it that are done, in order.

        `earlier` holds objects that got their id in `tracks`, as they were in a frame before it; `exchange` tells which
        ids had been mixed up before it.
        """
        if exchange is not None:
            self._exchange(exchange)
        self._newest = float(tracks.seconds)
        self._frames.append(tracks)
        self._note(tracks)
        if earlier is not None:
            self._insert(earlier)
        while self._newest - float(self._frames[0].seconds) > self.config.seconds:
            yield self._final(self._frames.popleft())
        forgotten = self._newest - self.config.seconds - _FORGET_SECONDS
        if any(one.last_seconds < forgotten for one in self._tracks.values()):
            self._tracks = {key: one for key, one in self._tracks.items() if one.last_seconds >= forgotten}

    def flush(self) -> Iterator[FrameTracks]:
        """The frames still held, at the end of the clip."""
        while self._frames:
            yield self._final(self._frames.popleft())

    def state(self) -> HindsightState:
        """What `restore` needs."""
        tracks = {str(key): replace(one, votes=dict(one.votes)) for key, one in self._tracks.items()}
        return HindsightState(pack_frames(self._frames), tracks, self._last_number)

    def restore(self, state: HindsightState) -> None:
        """Continue from `state`."""
        self._frames = deque(unpack_frames(state.frames))
        self._newest = float(self._frames[-1].seconds) if self._frames else 0.0
        self._tracks = {int(key): one for key, one in state.tracks.items()}
        self._last_number = state.last_number

    def _note(self, tracks: FrameTracks) -> None:
        """Add the objects of a frame to what is known of their tracks."""
        seconds = float(tracks.seconds)
        for identity, cls, score in zip(
            tracks.ids.tolist(), tracks.classes.tolist(), tracks.scores.tolist(), strict=True
        ):
            one = self._tracks.setdefault(identity, History(seconds, seconds))
            one.first_seconds = min(one.first_seconds, seconds)
            one.last_seconds = max(one.last_seconds, seconds)
            one.best_score = max(one.best_score, score)
            one.votes[str(cls)] = one.votes.get(str(cls), 0.0) + score

    def _insert(self, earlier: FrameTracks) -> None:
        """Put objects into the frame they were seen in, if it is still held."""
        for place, frame in enumerate(self._frames):
            if frame.index == earlier.index:
                self._frames[place] = FrameTracks.concat([frame, earlier])
                self._note(earlier)
                return

    def _exchange(self, mixed: Exchange) -> None:
        """Give two ids back to each other in the frames that wait."""
        both = (mixed.first, mixed.second)
        for place, frame in enumerate(self._frames):
            if float(frame.seconds) > mixed.seconds:
                first, second = frame.ids == mixed.first, frame.ids == mixed.second
                self._frames[place] = frame = replace(frame, ids=np.select([first, second], both[::-1], frame.ids))
                for identity in both:
                    if identity in frame.ids and identity in self._tracks:
                        self._tracks[identity].last_seconds = float(frame.seconds)

    def _final(self, frame: FrameTracks) -> FrameTracks:
        """The frame with the tracks that are believed, under their numbers and with their classes."""
        known = [self._tracks[identity] for identity in frame.ids.tolist()]
        for one in known:
            if one.number == 0 and not self._is_doubtful(one):
                self._last_number += 1
                one.number = self._last_number
                one.cls = int(max(one.votes, key=lambda cls: one.votes[cls]))
        away = self._interpolated(frame)
        for one, score, box in zip(known, frame.scores.tolist(), frame.boxes_xyxy.tolist(), strict=True):
            one.seconds, one.score, one.box_xyxy = float(frame.seconds), score, tuple(box)
        numbers = np.array([one.number for one in known], dtype=np.int64)
        revised = replace(frame, ids=numbers, classes=np.array([one.cls for one in known], dtype=np.int64))
        revised = FrameTracks.concat([revised, away]) if len(away) else revised
        order = np.argsort(revised.ids, kind="stable")
        return revised[order[revised.ids[order] > 0]]

    def _interpolated(self, frame: FrameTracks) -> FrameTracks:
        """Boxes, in a frame, of tracks that are away in it and come back in time."""
        now, gone_before = float(frame.seconds), float(frame.seconds) - self.config.seconds
        here = set(frame.ids.tolist())
        away = {
            identity
            for identity, one in self._tracks.items()
            if one.number > 0 and identity not in here and gone_before <= one.seconds < one.last_seconds
        }
        found: list[tuple[int, int, float, np.ndarray]] = []
        for later in self._frames if away else ():
            seconds = float(later.seconds)
            for row, identity in enumerate(later.ids.tolist()):
                if identity in away:
                    away.remove(identity)
                    one = self._tracks[identity]
                    if (length := seconds - one.seconds) <= self.config.seconds + 1e-9:
                        box = interpolate(np.array(one.box_xyxy), later.boxes_xyxy[row], (now - one.seconds) / length)
                        found.append((one.number, one.cls, min(one.score, float(later.scores[row])), box))
            if not away:
                break
        numbers, classes, scores, boxes = zip(*found, strict=True) if found else ((), (), (), ())
        return replace(
            frame,
            ids=np.array(numbers, dtype=np.int64),
            classes=np.array(classes, dtype=np.int64),
            scores=np.array(scores, dtype=np.float32),
            boxes_xyxy=np.array(boxes, dtype=np.float32).reshape(-1, 4),
            states=np.full(len(found), int(ObjectState.INTERPOLATED), dtype=np.int64),
        )

    def _is_doubtful(self, one: History) -> bool:
        """Whether a track was seen briefly, was gone for the rest of the time, and was never sure."""
        config = self.config
        brief = one.last_seconds - one.first_seconds < config.min_seconds
        gone = self._newest - one.last_seconds >= config.seconds - config.min_seconds - 1e-9
        return brief and gone and one.best_score < config.sure_score
