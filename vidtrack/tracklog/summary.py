"""The track summaries at the end of a log, gathered frame by frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vidtrack.core.types import FrameTracks
from vidtrack.tracklog.records import BestDetection, FramePosition, TrackSummary
from vidtrack.tracklog.schema import entries_of


def summarise(frames: Iterable[FrameTracks]) -> list[TrackSummary]:
    """The track summaries of a log with these frames, in order of id."""
    summaries = Summaries()
    for tracks in frames:
        summaries.add(tracks.index, tracks.pts, entries_of(tracks))
    return summaries.records()


class Summaries:
    """Collects track summaries; memory grows with the number of tracks only."""

    def __init__(self) -> None:
        self._tracks: dict[int, _Summary] = {}
        self._frames = 0

    def add(self, index: int, pts: int, entries: Sequence[Mapping[str, Any]]) -> None:
        """Add the objects of the next frame, as the log lists them."""
        for entry in entries:
            summary = self._tracks.setdefault(entry["id"], _Summary(first=(index, pts)))
            summary.add(self._frames, index, pts, entry)
        self._frames += 1

    def records(self) -> list[TrackSummary]:
        """One summary per track, in order of id."""
        return [self._tracks[identity].record(identity) for identity in sorted(self._tracks)]

    def __len__(self) -> int:
        return len(self._tracks)


@dataclass(slots=True)
class _Summary:
    """Running totals of one track."""

    first: tuple[int, int]  # (index, pts)
    last: tuple[int, int] = (0, 0)
    last_row: int = -1  # ordinal among the logged frames, to detect gaps
    frames: int = 0
    visible: int = 0
    gaps: int = 0
    score_sum: float = 0.0
    max_score: float = 0.0
    class_votes: dict[int, float] = field(default_factory=dict)
    best: tuple[float, int, int, list[float]] = (-1.0, 0, 0, [])

    def add(self, row: int, index: int, pts: int, entry: Mapping[str, Any]) -> None:
        score, box, kind = entry["score"], entry["box"], entry["cls"]
        self.gaps += self.last_row >= 0 and row > self.last_row + 1
        self.last, self.last_row = (index, pts), row
        self.frames += 1
        self.score_sum += score
        self.max_score = max(self.max_score, score)
        self.class_votes[kind] = self.class_votes.get(kind, 0.0) + score
        if entry["state"] == "detected":
            self.visible += 1
            side = max(0.0, (box[2] - box[0]) * (box[3] - box[1])) ** 0.5
            if score * side > self.best[0]:
                self.best = (score * side, index, pts, box)

    def record(self, identity: int) -> TrackSummary:
        _, best_index, best_pts, best_box = self.best
        return TrackSummary(
            identity=identity,
            cls=max(self.class_votes, key=lambda kind: self.class_votes[kind]),
            first=FramePosition(*self.first),
            last=FramePosition(*self.last),
            frames=self.frames,
            visible=self.visible,
            gaps=self.gaps,
            mean_score=round(self.score_sum / self.frames, 4),
            max_score=self.max_score,
            best=BestDetection(best_index, best_pts, best_box) if best_box else None,
        )
