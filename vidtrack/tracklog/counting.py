"""Crossings of lines and zones, counted in a log that was made without them, or anew after a correction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from vidtrack.tracklog.metadata import noted
from vidtrack.tracklog.reader import TrackLog
from vidtrack.tracklog.zones import LINE, ZONE, Counter, Crossing, Direction, Line, Spot, Zone


def with_crossings(log: TrackLog, lines: Sequence[Line], zones: Sequence[Zone], spot: Spot = Spot.BOTTOM) -> TrackLog:
    """The log with an event for each crossing, in place of those of lines and zones before.

    Raises UsageError for a name given twice and for what lies outside the picture.
    """
    places = {"lines": [asdict(line) for line in lines], "zones": [asdict(zone) for zone in zones]}
    return noted(_counted(log, lines, zones, spot), "count", **places, spot=str(spot))


def watched(log: TrackLog) -> tuple[list[Line], list[Zone], Spot]:
    """What the log's crossings were counted at: by the latest count, else by the run; nothing where it does not say.

    Raises UsageError for a line or zone that is none.
    """
    counts = [edit for edit in log.header.get("edits", ()) if "lines" in edit or "zones" in edit]
    where = counts[-1] if counts else log.header["run"]["parameters"]
    lines = [Line(**_place(values)) for values in where.get("lines", ())]
    zones = [Zone(**_place(values)) for values in where.get("zones", ())]
    return lines, zones, Spot(where.get("spot", Spot.BOTTOM))


def recounted(log: TrackLog) -> TrackLog:
    """The log with the crossings that its tracks now make; of places that it does not describe the events stay.

    Those are told anew, with the tracks and classes that they name.
    """
    lines, zones, spot = watched(log)
    if lines or zones:
        return _counted(log, lines, zones, spot)
    events = [event | _told(log, event) if event["kind"] in (LINE, ZONE) else event for event in log.events]
    return replace(log, events=events)


def _counted(log: TrackLog, lines: Sequence[Line], zones: Sequence[Zone], spot: Spot) -> TrackLog:
    width, height = log.header["source"]["size"]
    counter = Counter(lines, zones, (width, height), spot)
    crossings = [_event(crossing.event(log.class_names)) for frame in log for crossing in counter.step(frame)]
    others = [event for event in log.events if event["kind"] not in (LINE, ZONE)]
    events = sorted([*others, *crossings], key=lambda event: float("inf") if event["i"] is None else event["i"])
    return replace(log, events=events)


def _event(values: dict[str, Any]) -> dict[str, Any]:
    """As a log has it."""
    first = {"type": "event", "kind": values["kind"], "i": values["index"], "pts": values["pts"]}
    return first | {name: value for name, value in values.items() if name not in ("kind", "index", "pts")}


def _told(log: TrackLog, event: Mapping[str, Any]) -> dict[str, str]:
    index, pts, kind, name, identity, cls = (event[key] for key in ("i", "pts", "kind", "name", "id", "cls"))
    crossing = Crossing(index, pts, kind, name, identity, cls, Direction(event["direction"]))
    return {"message": crossing.event(log.class_names)["message"]}


def _place(values: Mapping[str, Any]) -> dict[str, Any]:
    points = tuple((float(x), float(y)) for x, y in values["points"])
    return {"name": values["name"], "points": points, "percent": values.get("percent", False)}
