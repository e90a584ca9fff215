"""Checkpoints of a long clip: at chunk boundaries everything needed to continue is saved, so that a run can resume."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import msgspec

from vidtrack.core.errors import OutputError
from vidtrack.core.types import Frame
from vidtrack.core.wording import plural
from vidtrack.pipeline.config import RunConfig
from vidtrack.pipeline.earlier_run import SavedWork
from vidtrack.pipeline.lookahead import Lookahead, LookaheadState
from vidtrack.pipeline.outputs import Boundary, Outputs, OutputsState, Tracked
from vidtrack.tracking.tracker import Tracker
from vidtrack.video import LiveReader, Reader, VideoReader

_MIN_FRAMES, _MIN_WRITTEN = 32, 8  # tracked and written per chunk: encoders need a few frames to settle


@dataclass(frozen=True)
class ClipState:
    """All that is remembered between the last frame of a chunk and the first of the next."""

    number: int  # of the chunk that starts
    seconds: float  # spent on the clip so far
    tracker: Any  # what `Tracker.state` returned
    lookahead: LookaheadState
    outputs: OutputsState


class Checkpointer:
    """Saves and restores the state of one clip's tracker, lookahead and outputs.

    Made when all of them are: they and the reader are put where the earlier run stood, if there was one. Frames are
    processed in several threads, so a boundary is noted when its frame is tracked, and saved when it is written.
    """

    def __init__(
        self,
        work: SavedWork,
        config: RunConfig,
        reader: Reader,
        tracker: Tracker,
        lookahead: Lookahead,
        outputs: Outputs,
    ) -> None:
        self._work, self._tracker, self._lookahead, self._outputs = work, tracker, lookahead, outputs
        self._start, self._length = config.read.start_seconds or 0, Fraction(str(config.chunk_seconds))
        self._number = self._frames = 0  # of the chunk being tracked, and in it
        self._saved_frames = 0  # written when the state was last saved
        self._seconds_before = 0.0
        self._began = time.perf_counter()
        self.note = work.note
        self.resumed = 0  # frames of the earlier run that are used
        if work.state is not None and not isinstance(reader, LiveReader):
            self._restore(work.state, reader)

    @property
    def seconds(self) -> float:
        """Time spent on the clip so far, by earlier runs and this one."""
        return self._seconds_before + time.perf_counter() - self._began

    def boundary(self, frame: Frame) -> Boundary | None:
        """What the tracker knows now, if a chunk starts with `frame`, its next one."""
        number = int((frame.seconds - self._start) / self._length)
        if self._work.folder is None or number <= self._number or self._frames < _MIN_FRAMES:
            self._frames += 1
            return None
        self._number, self._frames = number, 1
        return Boundary(number, self._tracker.state())

    def save_at_boundaries(self, items: Iterator[Tracked]) -> Iterator[Tracked]:
        """Pass items on; at a boundary, when everything before it is written, save the state first."""
        for item in items:
            if item.boundary is not None:
                self._save(item.boundary)
            yield item

    def discard(self) -> None:
        """Delete what was saved: the outputs are complete."""
        if self._work.folder is not None:
            self._work.folder.remove()

    def _save(self, boundary: Boundary) -> None:
        if self._outputs.frames - self._saved_frames < _MIN_WRITTEN:
            return  # most of the chunk still waits for later frames
        self._saved_frames = self._outputs.frames
        outputs = self._outputs.end_chunk()
        if outputs is not None:
            state = ClipState(boundary.number, self.seconds, boundary.tracker, self._lookahead.state(), outputs)
            self._work.save(state)

    def _restore(self, saved: dict[str, Any], reader: VideoReader) -> None:
        try:
            state = msgspec.convert(saved, ClipState)
            self._tracker.restore(state.tracker)
            self._lookahead.restore(state.lookahead)
            self._outputs.restore(state.outputs)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            raise OutputError(f"the state in {self._work.path} is damaged", "--overwrite starts over") from None
        point = state.outputs.resume_point
        reader.resume_after(point)
        self._saved_frames = point.frames
        self._number, self._seconds_before, self.resumed = state.number, state.seconds, point.frames
        at = float(point.pts * reader.info.time_base)
        self.note = self.note or f"resumed after {plural(point.frames, 'frame')}, at {at:.3f} s"
