"""A log at a glance: what it is of, and a row for each track."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from vidtrack.tracklog.reader import TrackLog
from vidtrack.tracklog.summary import summarise

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


@dataclass(frozen=True)
class TrackRow:
    """One track; times are seconds since the start of the stream, of its first and its last frame."""

    id: int
    label: str  # name of its class
    first_seconds: float
    last_seconds: float
    frames: int  # that list it
    visible: int  # of those, with a detection
    gaps: int
    mean_score: float
    max_score: float


@dataclass(frozen=True)
class Overview:
    """A log's clip, run and tracks; `events` counts them by kind, `edits` are the corrections made since."""

    source: str
    size: tuple[int, int]
    rate: Fraction | None
    model: str
    status: str
    frames: int
    first_seconds: float
    last_seconds: float
    events: dict[str, int]
    edits: tuple[dict[str, Any], ...]
    tracks: tuple[TrackRow, ...]


def overview(log: TrackLog) -> Overview:
    """Sum a log up, tracks in order of id; they are counted from its frames, so that a cut off log has them too."""
    source, seconds, tick = log.header["source"], log.frame_seconds, log.time_base
    rate = source.get("average_rate")
    rows = tuple(
        TrackRow(
            id=line["id"],
            label=class_label(log, line["cls"]),
            first_seconds=round(float(line["first"]["pts"] * tick), 6),
            last_seconds=round(float(line["last"]["pts"] * tick), 6),
            **{name: line[name] for name in ("frames", "visible", "gaps", "mean_score", "max_score")},
        )
        for line in summarise(log)
    )
    width, height = source["size"]
    return Overview(
        source=str(source["path"]),
        size=(width, height),
        rate=None if rate is None else Fraction(*rate),
        model=str(log.header["model"].get("name", "")),
        status=log.status,
        frames=len(log),
        first_seconds=round(float(seconds[0]), 6) if len(log) else 0.0,
        last_seconds=round(float(seconds[-1]), 6) if len(log) else 0.0,
        events=dict(Counter(str(event.get("kind")) for event in log.events)),
        edits=tuple(log.header.get("edits", ())),
        tracks=rows,
    )


def class_label(log: TrackLog, number: int) -> str:
    """A class by name, on one line; by its number where the name is empty."""
    return one_line(log.class_names[number]) or f"class {number}"


def one_line(text: str) -> str:
    """A name without characters that break lines or cannot be written."""
    return " ".join(_UNPRINTABLE.sub(" ", text).split())
