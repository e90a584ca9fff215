"""Revising tracks with frames that come later: frames wait until their tracks are final."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from vidtrack.pipeline.outputs import Tracked
from vidtrack.tracking.smoothing import Delays, GapFiller, GapFillerState, Smoother, SmootherState


@dataclass(frozen=True)
class LookaheadState:
    """The tracks that are not final, and for each of their frames whether it starts a shot."""

    smoother: SmootherState | None
    gap_filler: GapFillerState | None
    waiting: tuple[bool, ...]


class Lookahead:
    """Smooths boxes and fills gaps; each frame, with its image, waits as long as that takes.

    Images are not saved: after `restore`, the frames of `waiting` are decoded again and come first, but they have been
    tracked already.
    """

    def __init__(self, smooth_seconds: float, gap_seconds: float) -> None:
        self._smoother = Smoother(smooth_seconds) if smooth_seconds > 0 else None
        self._gap_filler = GapFiller(gap_seconds) if gap_seconds > 0 else None
        self._delays = Delays([delay for delay in (self._smoother, self._gap_filler) if delay is not None])
        self._frames: deque[Tracked] = deque()
        self.waiting: tuple[bool, ...] = ()

    def apply(self, items: Iterator[Tracked]) -> Iterator[Tracked]:
        """The items in order, with their final tracks."""
        self._frames.extend(islice(items, len(self.waiting)))
        for item in items:
            self._frames.append(item)
            for tracks in self._delays.push(item.tracks):
                yield self._frames.popleft()._replace(tracks=tracks)
        for tracks in self._delays.flush():
            if self._frames:  # none if interrupted before all waiting frames were decoded again
                yield self._frames.popleft()._replace(tracks=tracks)

    def state(self) -> LookaheadState:
        """What `restore` needs."""
        return LookaheadState(
            None if self._smoother is None else self._smoother.state(),
            None if self._gap_filler is None else self._gap_filler.state(),
            tuple(item.cut for item in self._frames),
        )

    def restore(self, state: LookaheadState) -> None:
        """Continue from `state`."""
        if self._smoother is not None and state.smoother is not None:
            self._smoother.restore(state.smoother)
        if self._gap_filler is not None and state.gap_filler is not None:
            self._gap_filler.restore(state.gap_filler)
        self.waiting = state.waiting
