"""Detection and tracking of one clip: frames are encoded side by side, then linked in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from vidtrack.core.stages import Stopwatch
from vidtrack.core.types import Frame, FrameTracks, no_tracks
from vidtrack.model.device import device_errors
from vidtrack.model.inference import FrameEncoder
from vidtrack.model.protocol import Memory
from vidtrack.pipeline.checkpoint import Checkpointer
from vidtrack.pipeline.outputs import Tracked
from vidtrack.tracking.tracker import Tracker
from vidtrack.video import Problem

_HINT = "use a smaller --size or another device"


class Encoded(NamedTuple):
    """A frame, the problems met while decoding it, and what the encoder made of it."""

    frame: Frame
    problems: list[Problem]
    memory: Memory | None  # None if the schedule passes over the frame, or an earlier run tracked it
    tracked_before: bool = False


class Inference:
    """Detects objects in every `step`-th frame; tracks of the frames between are left to interpolation.

    The first and the last frame of a shot are always detected. `waiting` tells for each frame that an earlier run
    tracked but did not write whether it starts a shot; those frames come first.
    """

    def __init__(
        self, encoder: FrameEncoder, tracker: Tracker, step: int, stride: int, waiting: Sequence[bool], watch: Stopwatch
    ) -> None:
        self._encoder, self._tracker, self._waiting, self._watch = encoder, tracker, waiting, watch
        self._every = step * stride

    def encode(self, numbered: tuple[int, tuple[Frame, list[Problem]]]) -> Encoded:
        """Encode a frame if the schedule asks for it; safe to call from several threads."""
        number, (frame, problems) = numbered
        if number < len(self._waiting):
            return Encoded(frame, problems, None, tracked_before=True)
        return Encoded(frame, problems, self._memory(frame) if frame.index % self._every == 0 else None)

    def link(self, encoded: Iterator[Encoded], checkpointer: Checkpointer) -> Iterator[Tracked]:
        """The frames with their tracks, in order."""
        self._encoder.use_threads()
        cuts = iter(self._waiting)
        for now, following in _with_following(encoded):
            if now.tracked_before:
                yield Tracked(now.frame, no_tracks(now.frame), now.problems, next(cuts))
                continue
            boundary = checkpointer.boundary(now.frame)
            tracks = self._track(now, following)
            tracker = self._tracker
            done = Tracked(now.frame, tracks, now.problems, tracker.cut, boundary)
            yield done._replace(earlier=tracker.earlier, exchange=tracker.exchange)

    def _track(self, now: Encoded, following: Encoded | None) -> FrameTracks:
        memory = now.memory
        if memory is None and self._is_needed(now.frame, following):
            memory = self._memory(now.frame)
        with device_errors(self._encoder.device, _HINT), self._watch.lap("track"):
            return self._tracker.pass_over(now.frame) if memory is None else self._tracker.step(memory, now.frame)

    def _is_needed(self, frame: Frame, following: Encoded | None) -> bool:
        """Whether a frame that the schedule passes over starts or ends a shot, or the clip."""
        if following is None or self._tracker.is_fresh:
            return True
        return self._tracker.starts_shot(frame.image, following.frame.image)

    def _memory(self, frame: Frame) -> Memory:
        with device_errors(self._encoder.device, _HINT):
            with self._watch.lap("preprocess"):
                pixels, padding = self._encoder.batch(frame.image)
            with self._watch.lap("encode"):
                return self._encoder.encode(pixels, padding)


def _with_following(items: Iterator[Encoded]) -> Iterator[tuple[Encoded, Encoded | None]]:
    """Each item with the one after it, None after the last."""
    now = next(items, None)
    while now is not None:
        following = next(items, None)
        yield now, following
        now = following
