"""Revising tracks with frames that come later: frames wait until their tracks are final."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from vidtrack.core.state_io import PackedFrames, pack_frames, unpack_frames
from vidtrack.core.types import FrameTracks
from vidtrack.pipeline.config import RunConfig
from vidtrack.pipeline.outputs import Tracked
from vidtrack.tracking.config import HindsightConfig
from vidtrack.tracking.hindsight import Hindsight, HindsightState
from vidtrack.tracking.smoothing import Delays, GapFiller, GapFillerState, Smoother, SmootherState
from vidtrack.tracking.steadying import Steadier, SteadierState


@dataclass(frozen=True)
class LookaheadState:
    """What the revisions remember, and the frames that wait, oldest first: whether each starts a shot.

    The first of them are only not drawn yet: `final` has their tracks.
    """

    hindsight: HindsightState | None
    smoother: SmootherState | None
    gap_filler: GapFillerState | None
    steadier: SteadierState | None
    final: PackedFrames
    waiting: tuple[bool, ...]


class Lookahead:
    """Revises tracks, smooths boxes and fills gaps, and steadies what the video shows; frames wait with their images.

    Images are not saved: after `restore`, the frames of `waiting` are decoded again and come first, but they have been
    tracked already.
    """

    def __init__(
        self,
        hindsight: HindsightConfig | None,
        smooth_seconds: float,
        gap_seconds: float,
        steadier: Steadier | None = None,
    ) -> None:
        self._hindsight = None if hindsight is None else Hindsight(hindsight)
        self._smoother = Smoother(smooth_seconds) if smooth_seconds > 0 else None
        self._gap_filler = GapFiller(gap_seconds) if gap_seconds > 0 else None
        self._delays = Delays([delay for delay in (self._smoother, self._gap_filler) if delay is not None])
        self._steadier = steadier
        self._frames: deque[Tracked] = deque()
        self._final: deque[Tracked] = deque()  # wait for the steadier only
        self._final_before: list[FrameTracks] = []
        self.waiting: tuple[bool, ...] = ()

    @classmethod
    def of(cls, config: RunConfig, detection_gap: float, steadier: Steadier | None) -> Lookahead:
        """What a run asks for; tracks are interpolated between detections, up to `detection_gap` seconds apart."""
        if config.live:
            return cls(None, 0.0, 0.0)
        gap = max(config.gap_seconds, detection_gap)
        return cls(config.hindsight, config.smooth_seconds, gap if gap > config.hindsight.seconds else 0.0, steadier)

    def apply(self, items: Iterator[Tracked]) -> Iterator[Tracked]:
        """The items in order, with their final tracks and those to show."""
        again = islice(items, len(self.waiting))
        self._final.extend(
            item._replace(tracks=tracks)
            for tracks, item in zip(self._final_before, again, strict=False)  # interrupted, there may be fewer items
        )
        self._frames.extend(again)
        for item in items:
            self._frames.append(item)
            for tracks in self._revised(item):
                yield from self._finish(tracks)
        for tracks in self._rest():
            if self._frames:  # none if interrupted before all waiting frames were decoded again
                yield from self._finish(tracks)
        for shown in self._steadier.flush() if self._steadier is not None else ():
            if self._final:
                yield self._final.popleft()._replace(shown=shown)

    def _revised(self, item: Tracked) -> Iterator[FrameTracks]:
        """The frames that are final, in order, now that `item` came."""
        hindsight, seen = self._hindsight, item.tracks
        for tracks in [seen] if hindsight is None else hindsight.push(seen, item.earlier, item.exchange):
            yield from self._delays.push(tracks)

    def _rest(self) -> Iterator[FrameTracks]:
        """The frames still held, at the end of the clip."""
        for tracks in () if self._hindsight is None else self._hindsight.flush():
            yield from self._delays.push(tracks)
        yield from self._delays.flush()

    def state(self) -> LookaheadState:
        """What `restore` needs."""
        return LookaheadState(
            None if self._hindsight is None else self._hindsight.state(),
            None if self._smoother is None else self._smoother.state(),
            None if self._gap_filler is None else self._gap_filler.state(),
            None if self._steadier is None else self._steadier.state(),
            pack_frames(item.tracks for item in self._final),
            tuple(item.cut for item in (*self._final, *self._frames)),
        )

    def restore(self, state: LookaheadState) -> None:
        """Continue from `state`."""
        if self._hindsight is not None and state.hindsight is not None:
            self._hindsight.restore(state.hindsight)
        if self._smoother is not None and state.smoother is not None:
            self._smoother.restore(state.smoother)
        if self._gap_filler is not None and state.gap_filler is not None:
            self._gap_filler.restore(state.gap_filler)
        if self._steadier is not None and state.steadier is not None:
            self._steadier.restore(state.steadier)
        self._final_before = unpack_frames(state.final)
        self.waiting = state.waiting

    def _finish(self, tracks: FrameTracks) -> Iterator[Tracked]:
        """Note the final tracks of the frame that waited longest; yields those ready to be shown."""
        item = self._frames.popleft()._replace(tracks=tracks)
        if self._steadier is None:
            yield item
            return
        self._final.append(item)
        for shown in self._steadier.push(tracks):
            yield self._final.popleft()._replace(shown=shown)
