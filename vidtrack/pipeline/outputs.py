"""The outputs of a clip: its track log, its annotated video, or both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from vidtrack.core.stages import Stopwatch
from vidtrack.core.types import Exchange, Frame, FrameTracks, VideoInfo
from vidtrack.pipeline.config import RunConfig
from vidtrack.render.annotator import Annotator, AnnotatorState
from vidtrack.tracklog import Event, LogWriter, RunFigures, Status
from vidtrack.tracklog.crossings import Counter, CounterState
from vidtrack.video import Problem, Reader, ResumePoint, VideoStreamWriter, VideoWriter
from vidtrack.video.colour import graphics_white


@dataclass(frozen=True)
class Boundary:
    """The start of a chunk: its number, and the tracker's state before its first frame."""

    number: int
    tracker: object


class Tracked(NamedTuple):
    """A frame with its tracks, the problems met while decoding it, and whether it starts a shot or a chunk.

    `shown` are the tracks as the video shows them, if they differ from those of the log.
    `earlier` holds objects that got their id in this frame, as they were in one before it; `exchange` tells which two
    ids had been mixed up until it.
    """

    frame: Frame
    tracks: FrameTracks
    problems: Sequence[Problem]
    cut: bool = False
    boundary: Boundary | None = None
    shown: FrameTracks | None = None
    earlier: FrameTracks | None = None
    exchange: Exchange | None = None


@dataclass(frozen=True)
class OutputsState:
    """How far the outputs are, and what counting and drawing remember."""

    resume_point: ResumePoint
    tracks: int
    counter: CounterState
    annotator: AnnotatorState


class Outputs:
    """Logs, draws and encodes the frames of a clip, one by one; counts at the lines and in the zones of `config`."""

    def __init__(
        self,
        log: LogWriter | None,
        video: VideoWriter | VideoStreamWriter | None,
        info: VideoInfo,
        class_names: Sequence[str],
        config: RunConfig,
        watch: Stopwatch,
        show: Callable[[Frame], None] | None = None,
    ) -> None:
        self._log, self._video, self._watch, self._show = log, video, watch, show
        self._counter, self._class_names = Counter(config.lines, config.zones, info.size), class_names
        self._annotator = Annotator(
            info.size, class_names, config.look, graphics_white(info.colour), (*config.lines, *config.zones)
        )
        self.frames = 0
        self.tracks = 0
        self.clip_seconds = 0.0
        self.problems = 0  # of the reader, up to the last frame written
        self._last: Frame | None = None

    def write(self, item: Tracked) -> int:
        """Write one frame; returns how many have been written."""
        frame, tracks, problems, cut, _, shown, *_ = item
        self._last = frame
        self.problems += len(problems)
        crossings = [crossing.event(self._class_names) for crossing in self._counter.step(tracks)]
        if self._log is not None:
            with self._watch.lap("log"):
                self._report("decode", problems)
                if cut:
                    self._log.event(Event("cut", "a new shot begins; all tracks ended", frame.index, frame.pts))
                for event in crossings:
                    self._log.event(event)
                self._log.frame(tracks)
        if self._video is not None or self._show is not None:
            with self._watch.lap("draw"):
                if cut:
                    self._annotator.new_shot()
                for event in crossings:
                    self._annotator.count(event)
                painted = self._annotator.paint(frame, tracks if shown is None else shown)
            if self._show is not None:
                self._show(painted)
        if self._video is not None:
            with self._watch.lap("encode video"):
                self._video.write(painted)
        self.frames += 1
        self.tracks = max(self.tracks, int(tracks.ids.max(initial=0)))
        self.clip_seconds = float(frame.seconds)
        return self.frames

    def end_chunk(self) -> OutputsState | None:
        """Make the outputs continuable from here; returns what `restore` needs, None before the first frame."""
        if self._last is None:
            return None
        if self._video is not None:
            self._video.end_chunk()
        return OutputsState(
            ResumePoint.at(self._last, self.frames, self.problems),
            self.tracks,
            self._counter.state(),
            self._annotator.state(),
        )

    def restore(self, state: OutputsState) -> None:
        """Continue from `state`."""
        self.frames, self.problems = state.resume_point.frames, state.resume_point.problems
        self.tracks = state.tracks
        self._counter.restore(state.counter)
        self._annotator.restore(state.annotator)

    def finish(self, status: Status, reader: Reader | None, seconds: float) -> None:
        """Complete the outputs; `seconds` is the time spent on the clip, `reader` None if nothing was decoded."""
        if self._video is not None:
            if status is Status.INTERRUPTED:
                self._video.abort(keep=True)
            else:
                self._video.close()
        if self._log is not None:
            figures = RunFigures(seconds=round(seconds, 3), fps=round(self.frames / seconds, 2))
            if reader is not None:
                self._report("decode", reader.problems[self.problems :])
                figures = replace(
                    figures, decoded=reader.decoded, expected=reader.expected, problems=reader.problem_count
                )
            self._report("encode", [] if self._video is None else self._video.problems)
            self._log.close(status, figures)

    def _report(self, kind: str, problems: Sequence[Problem]) -> None:
        assert self._log is not None
        for problem in problems:
            self._log.event(Event(kind, problem.message, problem.index, problem.pts))
