"""Where the results of a clip go: its track log and its annotated video, either or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from vidtrack.core.stages import Stopwatch
from vidtrack.core.types import Frame, FrameTracks
from vidtrack.render.annotator import Annotator
from vidtrack.tracklog import Event, LogWriter, RunFigures, Status
from vidtrack.tracklog.zones import Counter
from vidtrack.video import Problem, ResumePoint, VideoReader, VideoWriter


class Tracked(NamedTuple):
    """A frame, what was found in it, what went wrong on the way to it, and whether it begins a new shot."""

    frame: Frame
    tracks: FrameTracks
    problems: Sequence[Problem]
    cut: bool = False
    edge: Mapping[str, Any] | None = None  # what the tracker knew before it, where a chunk begins


class Outputs:
    """Logs, draws and encodes frame after frame."""

    def __init__(
        self,
        log: LogWriter | None,
        video: VideoWriter | None,
        annotator: Annotator,
        watch: Stopwatch,
        counter: Counter,
        class_names: Sequence[str],
    ) -> None:
        self._log, self._video, self._painter, self._watch = log, video, annotator, watch
        self._counter, self._class_names = counter, class_names
        self.frames = 0
        self.tracks = 0
        self.clip_seconds = 0.0
        self.problems = 0  # of the reader, come with the frames so far
        self._last: Frame | None = None

    def write(self, item: Tracked) -> int:
        """Take one frame; returns how many there were."""
        frame, tracks, problems, cut, _ = item
        self._last = frame
        self.problems += len(problems)
        if self._log is not None:
            with self._watch.lap("log"):
                self._report("decode", problems)
                if cut:
                    self._log.event(Event("cut", "a new shot begins; all tracks ended", frame.index, frame.pts))
                for crossing in self._counter.step(tracks):
                    self._log.event(crossing.event(self._class_names))
                self._log.frame(tracks)
        if self._video is not None:
            with self._watch.lap("draw"):
                if cut:
                    self._painter.new_shot()
                painted = self._painter.paint(frame, tracks)
            with self._watch.lap("encode video"):
                self._video.write(painted)
        self.frames += 1
        self.tracks = max(self.tracks, int(tracks.ids.max(initial=0)))
        self.clip_seconds = float(frame.seconds)
        return self.frames

    def end_chunk(self) -> dict[str, Any] | None:
        """Let the outputs be gone on with from here; returns what `restore` needs, None before the first frame."""
        if self._last is None:
            return None
        if self._video is not None:
            self._video.end_chunk()
        return {
            "resume_point": asdict(ResumePoint.at(self._last, self.frames, self.problems)),
            "tracks": self.tracks,
            "counter": self._counter.state(),
            "annotator": self._painter.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> ResumePoint:
        """Go on where `state` was taken; returns the resume point."""
        point = ResumePoint(**state["resume_point"])
        self.frames, self.tracks, self.problems = point.frames, state["tracks"], point.problems
        self._counter.restore(state["counter"])
        self._painter.restore(state["annotator"])
        return point

    def finish(self, status: Status, reader: VideoReader, seconds: float) -> None:
        """Complete the outputs; `seconds` is the time taken so far."""
        if self._video is not None:
            if status is Status.INTERRUPTED:
                self._video.abort(keep=True)
            else:
                self._video.close()
        if self._log is not None:
            self._report("decode", reader.problems[self.problems :])
            self._report("encode", [] if self._video is None else self._video.problems)
            self._log.close(
                status,
                RunFigures(
                    decoded=reader.decoded,
                    expected=reader.expected,
                    problems=reader.problem_count,
                    seconds=round(seconds, 3),
                    fps=round(self.frames / seconds, 2),
                ),
            )

    def _report(self, kind: str, problems: Sequence[Problem]) -> None:
        assert self._log is not None
        for problem in problems:
            self._log.event(Event(kind, problem.message, problem.index, problem.pts))
