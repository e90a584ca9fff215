"""Revising tracks with frames that come later: frames wait until their tracks are final."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from vidtrack.pipeline.outputs import Tracked
from vidtrack.tracking.smoothing import Delays, GapFiller, Smoother


@dataclass(frozen=True)
class LookaheadState:
    """The tracks that are not final, and for each of their frames whether it starts a shot."""

    delays: dict[str, Any]
    waiting: tuple[bool, ...]


class Lookahead:
    """Smooths boxes and fills gaps; each frame, with its image, waits as long as that takes.

    Images are not saved: after `restore`, the frames of `waiting` are decoded again and come first, but they have been
    tracked already.
    """

    def __init__(self, smooth_seconds: float, gap_seconds: float) -> None:
        chosen = ((Smoother, smooth_seconds), (GapFiller, gap_seconds))
        self._delays = Delays([delay(seconds) for delay, seconds in chosen if seconds > 0])
        self._frames: deque[Tracked] = deque()
        self.waiting: tuple[bool, ...] = ()

    def apply(self, items: Iterator[Tracked]) -> Iterator[Tracked]:
        """The items in order, with their final tracks."""
        self._frames.extend(islice(items, len(self.waiting)))
        for item in items:
            self._frames.append(item)
            for tracks in self._delays.push(item.tracks):
                yield self._frames.popleft()._replace(tracks=tracks)
        for tracks in self._delays.rest():
            if self._frames:  # none if interrupted before all waiting frames were decoded again
                yield self._frames.popleft()._replace(tracks=tracks)

    def state(self) -> LookaheadState:
        """What `restore` needs."""
        return LookaheadState(self._delays.state(), tuple(item.cut for item in self._frames))

    def restore(self, state: LookaheadState) -> None:
        """Continue from `state`."""
        self._delays.restore(state.delays)
        self.waiting = state.waiting
