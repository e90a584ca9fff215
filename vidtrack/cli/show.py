"""`vidtrack show`: what a track log, or a folder of them, holds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from vidtrack.cli import options
from vidtrack.cli.columns import print_columns
from vidtrack.cli.log import read_log
from vidtrack.cli.many_logs import Tally, logs_in, refuse_for_many
from vidtrack.cli.values import parse_classes, parse_identities, parse_length
from vidtrack.core.errors import printable
from vidtrack.core.wording import plural

if TYPE_CHECKING:
    from vidtrack.tracklog import TrackLog
    from vidtrack.tracklog.header import Edit
    from vidtrack.tracklog.overview import Overview


def show(
    log: options.LogOrFolder,
    tracks: options.Tracks = None,
    classes: options.TrackClasses = None,
    min_length: options.MinLength = None,
    as_json: options.AsJson = False,
) -> None:
    """Show a summary of a track log and a table of its tracks; for a folder, a table of its logs.

    Exit codes: 0 done, 1 some logs could not be read, 2 usage error, 3 none could be read.
    """
    from vidtrack.tracklog import select
    from vidtrack.tracklog.overview import overview

    min_seconds, min_frames = parse_length(min_length)
    identities, names = parse_identities(tracks), parse_classes(classes)

    def chosen_of(whole: TrackLog) -> TrackLog:
        return select(whole, identities, names, min_seconds, min_frames)

    logs = logs_in(log)
    if logs is not None:
        refuse_for_many(log, {"tracks": tracks})
        raise typer.Exit(_show_many(log, list(logs), chosen_of, as_json))
    whole = read_log(log)
    found = overview(chosen_of(whole))
    if as_json:
        typer.echo(json.dumps(_record(log, found), ensure_ascii=False))
    else:
        _print_overview(log, found, len(set(whole.ids.tolist())))


def _show_many(folder: Path, logs: list[Path], chosen_of: Callable[[TrackLog], TrackLog], as_json: bool) -> int:
    """A row per log, or a JSON object per line; returns the exit code."""
    from vidtrack.tracklog.overview import overview

    tally, rows, frames, tracks = Tally(len(logs)), [], 0, 0
    for path in logs:
        with tally.log(path):
            found = overview(chosen_of(read_log(path)))
            frames, tracks = frames + found.frames, tracks + len(found.tracks)
            if as_json:
                typer.echo(json.dumps(_record(path, found), ensure_ascii=False))
            else:
                rows.append(_row(path.relative_to(folder) if path.is_relative_to(folder) else path, found))
    if not as_json:
        if rows:
            print_columns(("log", "state", "frames", "seconds", "tracks", "classes"), rows, left=(0, 1, 5))
            typer.echo()
        failed = f", {tally.failed} could not be read" if tally.failed else ""
        typer.echo(f"{plural(len(logs), 'log')}, {plural(frames, 'frame')}, {plural(tracks, 'track')}{failed}")
    return tally.exit_code


def _row(path: Path, found: Overview) -> tuple[str, ...]:
    classes = Counter(track.label for track in found.tracks).most_common()
    seconds = f"{found.last_seconds - found.first_seconds:.2f}"
    counted = ", ".join(f"{label} {count}" for label, count in classes)
    return str(path), str(found.status), str(found.frames), seconds, str(len(found.tracks)), counted


def _record(path: Path, found: Overview) -> dict[str, Any]:
    rate = None if found.rate is None else [found.rate.numerator, found.rate.denominator]
    return {"log": str(path), **asdict(found), "rate": rate, "edits": [edit.to_dict() for edit in found.edits]}


def _print_overview(path: Path, found: Overview, of_tracks: int) -> None:
    from vidtrack.core.class_names import one_line

    width, height = found.size
    rate = "unknown rate" if found.rate is None else f"{float(found.rate):.6g} fps"
    frames = plural(found.frames, "frame")
    typer.echo(f"{path}: {found.status}, {frames}, {found.first_seconds:.3f} to {found.last_seconds:.3f} s")
    typer.echo(f"clip {one_line(found.source)}, {width}x{height}, {rate}; model {one_line(found.model)}")
    if found.events:
        typer.echo(printable(f"events: {', '.join(f'{count} {kind}' for kind, count in found.events.items())}"))
    if found.edits:
        typer.echo(printable(f"edits: {', '.join(_edit_line(edit) for edit in found.edits)}"))
    shown = "" if len(found.tracks) == of_tracks else f"{len(found.tracks)} of "
    typer.echo(f"{shown}{plural(of_tracks, 'track')}")
    if found.tracks:
        typer.echo()
        print_columns(
            ("id", "class", "first s", "last s", "frames", "gaps", "score"),
            [
                (
                    str(row.id), row.label, f"{row.first_seconds:.3f}", f"{row.last_seconds:.3f}", str(row.frames),
                    str(row.gaps), f"{row.mean_score:.2f}",
                )
                for row in found.tracks
            ],
            left=(1,),
        )  # fmt: skip


def _edit_line(edit: Edit) -> str:
    what = edit.details.get("tracks", edit.details.get("track", ""))
    return f"{edit.operation} {','.join(map(str, what)) if isinstance(what, list) else what}".strip()
