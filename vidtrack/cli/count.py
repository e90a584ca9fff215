"""`vidtrack count`: line crossings and zone visits."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidtrack.cli import options
from vidtrack.cli.columns import print_columns
from vidtrack.cli.log import place_for, read_log
from vidtrack.cli.many_logs import Tally, logs_in, refuse_for_many
from vidtrack.cli.values import parse_classes, parse_identities, parse_length
from vidtrack.core.atomic_files import make_folder
from vidtrack.core.errors import UsageError

if TYPE_CHECKING:
    from vidtrack.tracklog import Event, TrackLog
    from vidtrack.tracklog.crossings import Spot
    from vidtrack.tracklog.zones import Line, Zone

_DIRECTIONS = {"line": ("right", "left"), "zone": ("enter", "exit", "appear")}


class SpotName(StrEnum):
    """`vidtrack.tracklog.crossings.Spot` as an option."""

    BOTTOM = "bottom"
    CENTER = "center"


def count(
    log: options.LogOrFolder,
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
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="Also write the log with these events; for a folder, into this folder.",
        ),
    ] = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Count line crossings and zone visits by class. Without --line or --zone: those logged by `detect`.

    Lines count crossings to the right and to the left, looking from the first point to the second. Zones count
    objects that enter, exit, or appear inside. For a folder, every log is counted, and the totals come last.
    """
    from vidtrack.tracklog.crossings import Spot
    from vidtrack.tracklog.zones import parse_line, parse_zone

    lines, zones = [parse_line(text) for text in line or ()], [parse_zone(text) for text in zone or ()]
    if output is not None and not (lines or zones):
        raise UsageError("-o requires --line or --zone")
    chosen = _Choice(parse_identities(tracks), parse_classes(classes), *parse_length(min_length))
    rules = _Rules(lines, zones, Spot(spot), chosen)
    logs = logs_in(log)
    if logs is None:
        if output is not None:
            place_for(log, output, False, overwrite)
        counted = _counted(log, rules, output)
        _echo_json(log, counted) if as_json else _print(counted.rows)
        return
    refuse_for_many(log, {"tracks": tracks})
    tally = Tally(len(logs))
    all_rows: list[dict[str, Any]] = []
    for path, below in logs.items():
        with tally.log(path):
            target = None if output is None else output / below / path.name
            if target is not None:
                make_folder(target.parent)
                place_for(path, target, False, overwrite)
            counted = _counted(path, rules, target)
            name = str(path.relative_to(log) if path.is_relative_to(log) else path)
            _echo_json(path, counted) if as_json else all_rows.extend({"log": name, **row} for row in counted.rows)
    if all_rows:
        _print(all_rows + _totals(all_rows))
    raise typer.Exit(tally.exit_code)


@dataclass(frozen=True)
class _Choice:
    """The tracks that count, as `tracklog.select` takes them."""

    tracks: tuple[int, ...] | None
    classes: tuple[str, ...] | None
    min_seconds: Fraction
    min_frames: int


@dataclass(frozen=True)
class _Rules:
    """Where to count and what."""

    lines: Sequence[Line]
    zones: Sequence[Zone]
    spot: Spot
    chosen: _Choice


@dataclass(frozen=True)
class _Counted:
    """The counts of a log: a row per place and class, and every crossing."""

    rows: list[dict[str, Any]]
    crossings: list[dict[str, Any]]


def _counted(path: Path, rules: _Rules, output: Path | None) -> _Counted:
    """Count in one log, and write it with its crossings to `output` if there is one."""
    from vidtrack.tracklog import select
    from vidtrack.tracklog.counting import with_crossings

    whole = read_log(path)
    if rules.lines or rules.zones:
        whole = with_crossings(whole, rules.lines, rules.zones, rules.spot)
    chosen = select(whole, rules.chosen.tracks, rules.chosen.classes, rules.chosen.min_seconds, rules.chosen.min_frames)
    places = [("line", named.name) for named in rules.lines] + [("zone", named.name) for named in rules.zones]
    places = places or _logged_places(whole)
    if not places:
        raise UsageError(f"{path} has no logged crossings", "give --line NAME=x1,y1,x2,y2 or --zone NAME=x1,y1,...")
    counted = _Counted(_counts(chosen, places), _crossings(chosen))
    if output is not None:
        whole.save(output)
    return counted


def _echo_json(path: Path, counted: _Counted) -> None:
    record = {"log": str(path), "counts": counted.rows, "crossings": counted.crossings}
    typer.echo(json.dumps(record, ensure_ascii=False))


def _totals(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of all logs together."""
    sums: dict[tuple[str, str], dict[str, Counter[str]]] = {}
    for row in rows:
        by_class = sums.setdefault((row["kind"], row["name"]), {})
        if row["class"] is not None:
            by_class.setdefault(row["class"], Counter()).update({way: row[way] for way in _DIRECTIONS[row["kind"]]})
    totals = [row for (kind, name), by_class in sums.items() for row in _rows_of(kind, name, by_class)]
    return [{"log": "total", **row} for row in totals]


def _rows_of(kind: str, name: str, by_class: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
    """A row per class of a place, and their sum unless there is exactly one."""
    ways = _DIRECTIONS[kind]
    rows: list[dict[str, Any]] = [
        {"kind": kind, "name": name, "class": label, **{way: counts[way] for way in ways}}
        for label, counts in by_class.items()
    ]
    if len(rows) != 1:
        rows.append({"kind": kind, "name": name, "class": None, **{way: sum(r[way] for r in rows) for way in ways}})
    return rows


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
    """One row per place and class, and sums."""
    from vidtrack.tracklog import track_classes
    from vidtrack.tracklog.crossings import tally

    tallied = tally(_of_chosen(log), track_classes(log))
    rows = []
    for kind, name in places:
        found = {log.label_of(number): counts for number, counts in sorted(tallied.get((kind, name), {}).items())}
        rows += _rows_of(kind, name, found)
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
    first, with_log = True, any("log" in row for row in counts)
    for kind, ways in _DIRECTIONS.items():
        rows = [
            (*([row["log"]] if with_log else []), row["name"], row["class"] or "all", *(str(row[way]) for way in ways))
            for row in counts
            if row["kind"] == kind
        ]
        if rows:
            if not first:
                typer.echo()
            head = ("log", kind) if with_log else (kind,)
            print_columns((*head, "class", *ways), rows, left=range(len(head) + 1))
            first = False
