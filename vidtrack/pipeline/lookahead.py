"""Revised tracks back to their pictures: frames wait until their tracks are done."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from vidtrack.pipeline.outputs import Tracked
from vidtrack.tracking.smoothing import Delays, GapFiller, Smoother


class Lookahead:
    """Steadies boxes and fills gaps, each over so many seconds; frames wait, pictures and all, for as long.

    `waiting` tells of each frame that waited at a chunk edge whether it began a shot: taken up again, these come
    first and have been tracked already.
    """

    def __init__(self, smooth_seconds: float, gap_seconds: float) -> None:
        chosen = ((Smoother, smooth_seconds), (GapFiller, gap_seconds))
        self._delays = Delays([delay(seconds) for delay, seconds in chosen if seconds > 0])
        self._frames: deque[Tracked] = deque()
        self.waiting: list[bool] = []

    def through(self, items: Iterator[Tracked]) -> Iterator[Tracked]:
        """The items in their order, with what their tracks became."""
        self._frames.extend(islice(items, len(self.waiting)))
        for item in items:
            self._frames.append(item)
            for tracks in self._delays.push(item.tracks):
                yield self._frames.popleft()._replace(tracks=tracks)
        for tracks in self._delays.rest():
            if self._frames:  # none where it was interrupted before all that waited had been read again
                yield self._frames.popleft()._replace(tracks=tracks)

    def state(self) -> dict[str, Any]:
        """What is remembered, for `restore`; of the frames only how they begin."""
        return {"delays": self._delays.state(), "waiting": [item.cut for item in self._frames]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was taken, once the waiting frames have come again."""
        self._delays.restore(state["delays"])
        self.waiting = list(state["waiting"])
