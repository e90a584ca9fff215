"""Crossings of lines and zones, counted in a log that was made without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from vidtrack.tracklog.editing import noted
from vidtrack.tracklog.reader import TrackLog
from vidtrack.zones import LINE, ZONE, Counter, Line, Spot, Zone


def with_crossings(log: TrackLog, lines: Sequence[Line], zones: Sequence[Zone], spot: Spot = Spot.BOTTOM) -> TrackLog:
    """The log with an event for each crossing, in place of those of lines and zones before.

    Raises UsageError for a name given twice and for what lies outside the picture.
    """
    width, height = log.header["source"]["size"]
    counter = Counter(lines, zones, (width, height), spot)
    crossings = [_event(crossing.event(log.class_names)) for frame in log for crossing in counter.step(frame)]
    others = [event for event in log.events if event.get("kind") not in (LINE, ZONE)]
    events = sorted([*others, *crossings], key=lambda event: float("inf") if event["i"] is None else event["i"])
    places = {"lines": [asdict(line) for line in lines], "zones": [asdict(zone) for zone in zones]}
    return noted(replace(log, events=events), "count", **places, spot=str(spot))


def _event(values: dict[str, Any]) -> dict[str, Any]:
    """As a log has it."""
    first = {"type": "event", "kind": values["kind"], "i": values["index"], "pts": values["pts"]}
    return first | {name: value for name, value in values.items() if name not in ("kind", "index", "pts")}
