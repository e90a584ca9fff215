"""Counts crossings of lines and zones in an existing log, again after each correction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from vidtrack.tracklog.crossings import Counter, Crossing, Direction, Spot
from vidtrack.tracklog.records import Event
from vidtrack.tracklog.track_log import TrackLog
from vidtrack.tracklog.zones import LINE, ZONE, Line, Zone


def with_crossings(log: TrackLog, lines: Sequence[Line], zones: Sequence[Zone], spot: Spot = Spot.BOTTOM) -> TrackLog:
    """The log with an event per crossing, replacing those of earlier lines and zones.

    Raises UsageError for a duplicate name and for places outside the image.
    """
    places = {"lines": [asdict(line) for line in lines], "zones": [asdict(zone) for zone in zones]}
    return _counted(log, lines, zones, spot).edited("count", **places, spot=str(spot))


def watched(log: TrackLog) -> tuple[list[Line], list[Zone], Spot]:
    """The lines, zones and spot of the log's crossings: of the latest count, else of the run; empty if unknown.

    Raises UsageError for an invalid line or zone.
    """
    counts = [edit.details for edit in log.header.edits if "lines" in edit.details or "zones" in edit.details]
    settings = counts[-1] if counts else log.header.run.parameters
    return _lines(settings), _zones(settings), Spot(settings.get("spot", Spot.BOTTOM))


def ever_watched(log: TrackLog) -> list[Line | Zone]:
    """Every line and zone that the run or a later count used, the latest of each name."""
    settings = [log.header.run.parameters, *(edit.details for edit in log.header.edits)]
    lines = {place.name: place for own in settings for place in _lines(own)}
    zones = {place.name: place for own in settings for place in _zones(own)}
    return [*lines.values(), *zones.values()]


def recounted(log: TrackLog) -> TrackLog:
    """The log with the crossings that its present tracks make.

    Events of places that the log does not describe stay; their messages name the present tracks and classes.
    """
    lines, zones, spot = watched(log)
    if lines or zones:
        return _counted(log, lines, zones, spot)
    events = [_retold(log, event) if event.kind in (LINE, ZONE) else event for event in log.events]
    return replace(log, events=events)


def _counted(log: TrackLog, lines: Sequence[Line], zones: Sequence[Zone], spot: Spot) -> TrackLog:
    counter = Counter(lines, zones, log.header.source.size, spot)
    crossings = [crossing.event(log.class_names) for frame in log for crossing in counter.step(frame)]
    others = [event for event in log.events if event.kind not in (LINE, ZONE)]
    events = sorted([*others, *crossings], key=lambda event: float("inf") if event.index is None else event.index)
    return replace(log, events=events)


def _retold(log: TrackLog, event: Event) -> Event:
    # the schema requires all of these of a crossing
    assert event.index is not None and event.pts is not None and event.name is not None
    assert event.identity is not None and event.cls is not None
    way = Direction(str(event.direction))
    crossing = Crossing(event.index, event.pts, event.kind, event.name, event.identity, event.cls, way)
    return replace(event, message=crossing.event(log.class_names).message)


def _lines(settings: Mapping[str, Any]) -> list[Line]:
    return [Line(**_place(values)) for values in settings.get("lines") or ()]


def _zones(settings: Mapping[str, Any]) -> list[Zone]:
    return [Zone(**_place(values)) for values in settings.get("zones") or ()]


def _place(values: Mapping[str, Any]) -> dict[str, Any]:
    points = tuple((float(x), float(y)) for x, y in values["points"])
    return {"name": values["name"], "points": points, "percent": values.get("percent", False)}
