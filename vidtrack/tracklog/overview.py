"""A log at a glance: its clip, and one row per track."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from vidtrack.core.status import Status
from vidtrack.tracklog.header import Edit
from vidtrack.tracklog.summary import summarise
from vidtrack.tracklog.track_log import TrackLog


@dataclass(frozen=True)
class TrackRow:
    """One track; times of its first and last frame are in seconds since the start of the stream."""

    id: int
    label: str  # name of its class
    first_seconds: float
    last_seconds: float
    frames: int  # that list the track
    visible: int  # of those, with a detection
    gaps: int
    mean_score: float
    max_score: float


@dataclass(frozen=True)
class Overview:
    """A log's clip, run and tracks; `events` counts events by kind, `edits` are later corrections."""

    source: str
    size: tuple[int, int]
    rate: Fraction | None
    model: str
    status: Status
    frames: int
    first_seconds: float
    last_seconds: float
    events: dict[str, int]
    edits: tuple[Edit, ...]
    tracks: tuple[TrackRow, ...]


def overview(log: TrackLog) -> Overview:
    """Summarise a log, tracks in order of id; they are counted from its frames, so a log cut off has them too."""
    source, seconds, tick = log.header.source, log.frame_seconds, log.time_base
    rows = tuple(
        TrackRow(
            id=track.identity,
            label=log.label_of(track.cls),
            first_seconds=round(float(track.first.pts * tick), 6),
            last_seconds=round(float(track.last.pts * tick), 6),
            frames=track.frames,
            visible=track.visible,
            gaps=track.gaps,
            mean_score=track.mean_score,
            max_score=track.max_score,
        )
        for track in summarise(log)
    )
    return Overview(
        source=source.path,
        size=source.size,
        rate=source.average_rate,
        model=log.header.model.name,
        status=log.status,
        frames=len(log),
        first_seconds=round(float(seconds[0]), 6) if len(log) else 0.0,
        last_seconds=round(float(seconds[-1]), 6) if len(log) else 0.0,
        events=dict(Counter(event.kind for event in log.events)),
        edits=log.header.edits,
        tracks=rows,
    )
