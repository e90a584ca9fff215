"""`vidtrack count`: line crossings and zone visits."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidtrack.cli import options
from vidtrack.cli.columns import print_columns
from vidtrack.cli.log import place_for, read_log
from vidtrack.cli.values import parse_classes, parse_identities, parse_length
from vidtrack.core.errors import UsageError

if TYPE_CHECKING:
    from vidtrack.tracklog import Event, TrackLog

_DIRECTIONS = {"line": ("right", "left"), "zone": ("enter", "exit", "appear")}


class SpotName(StrEnum):
    """`vidtrack.tracklog.crossings.Spot` as an option."""

    BOTTOM = "bottom"
    CENTER = "center"


def count(
    log: options.LogFile,
    line: options.Lines = None,
    zone: options.Zones = None,
    spot: Annotated[SpotName, typer.Option(help="The point of the box that counts.")] = SpotName.BOTTOM,
    tracks: options.Tracks = None,
    classes: options.TrackClasses = None,
    min_length: options.MinLength = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, with the time of every crossing.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="OUT", help="Also write the log with these events.")
    ] = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Count line crossings and zone visits by class. Without --line or --zone: those logged by `detect`.

    Lines count crossings to the right and to the left, looking from the first point to the second. Zones count
    objects that enter, exit, or appear inside.
    """
    from vidtrack.tracklog import select
    from vidtrack.tracklog.counting import with_crossings
    from vidtrack.tracklog.crossings import Spot
    from vidtrack.tracklog.zones import parse_line, parse_zone

    lines, zones = [parse_line(text) for text in line or ()], [parse_zone(text) for text in zone or ()]
    if output is not None:
        if not (lines or zones):
            raise UsageError("-o requires --line or --zone")
        place_for(log, output, False, overwrite)
    min_seconds, min_frames = parse_length(min_length)
    whole = read_log(log)
    if lines or zones:
        whole = with_crossings(whole, lines, zones, Spot(spot))
    chosen = select(whole, parse_identities(tracks), parse_classes(classes), min_seconds, min_frames)
    places = [("line", named.name) for named in lines] + [("zone", named.name) for named in zones]
    places = places or _logged_places(whole)
    if not places:
        raise UsageError(f"{log} has no logged crossings", "give --line NAME=x1,y1,x2,y2 or --zone NAME=x1,y1,...")
    counts = _counts(chosen, places)
    if as_json:
        typer.echo(json.dumps({"log": str(log), "counts": counts, "crossings": _crossings(chosen)}, ensure_ascii=False))
    else:
        _print(counts)
    if output is not None:
        whole.save(output)


def _logged_places(log: TrackLog) -> list[tuple[str, str]]:
    """(kind, name) of what `detect` or an earlier count watched."""
    from vidtrack.tracklog.counting import watched
    from vidtrack.tracklog.crossings import crossings_of

    lines, zones, _ = watched(log)
    named = [("line", place.name) for place in lines] + [("zone", place.name) for place in zones]
    events = [(event.kind, event.name or "") for event in crossings_of(log.events)]
    return list(dict.fromkeys([*named, *events]))


def _of_chosen(log: TrackLog) -> list[Event]:
    from vidtrack.tracklog.crossings import crossings_of

    kept = set(log.ids.tolist())
    return [event for event in crossings_of(log.events) if event.identity in kept]


def _counts(log: TrackLog, places: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """One row per place and class, or a row of zeros; then totals if there are several."""
    from vidtrack.tracklog import track_classes
    from vidtrack.tracklog.crossings import tally
    from vidtrack.tracklog.overview import class_label

    tallied = tally(_of_chosen(log), track_classes(log))
    rows = []
    for kind, name in places:
        found = {class_label(log, number): counts for number, counts in sorted(tallied.get((kind, name), {}).items())}
        for label, counts in found.items():
            rows.append({"kind": kind, "name": name, "class": label, **{way: counts[way] for way in _DIRECTIONS[kind]}})
        if len(found) != 1:
            sums = {way: sum(counts[way] for counts in found.values()) for way in _DIRECTIONS[kind]}
            rows.append({"kind": kind, "name": name, "class": None, **sums})
    return rows


def _crossings(log: TrackLog) -> list[dict[str, Any]]:
    return [
        {
            "t": round(float((event.pts or 0) * log.time_base), 6),
            "i": event.index,
            "pts": event.pts,
            "kind": event.kind,
            "name": event.name,
            "id": event.identity,
            "direction": event.direction,
        }
        for event in _of_chosen(log)
    ]


def _print(counts: list[dict[str, Any]]) -> None:
    first = True
    for kind, ways in _DIRECTIONS.items():
        rows = [
            (row["name"], row["class"] or "all", *(str(row[way]) for way in ways))
            for row in counts
            if row["kind"] == kind
        ]
        if rows:
            if not first:
                typer.echo()
            print_columns((kind, "class", *ways), rows, left=(0, 1))
            first = False
