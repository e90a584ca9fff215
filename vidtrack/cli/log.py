"""`vidtrack validate`, `show`, `merge`, `split`, `relabel` and `drop`: track logs checked, read and corrected."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidtrack.cli import exits
from vidtrack.cli.columns import print_columns
from vidtrack.cli.values import parse_classes, parse_identities, parse_length, parse_seconds
from vidtrack.core.atomic_files import refuse_existing
from vidtrack.core.errors import UsageError, VidtrackError, printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from vidtrack.tracklog import TrackLog
    from vidtrack.tracklog.overview import Overview

_SHOWN = 20  # faults of a log that are listed

Log = Annotated[Path, typer.Argument(metavar="LOG", help="A track log.")]
Identities = Annotated[list[str], typer.Argument(metavar="ID...", help="Tracks, as 3 7 or 3,7.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="OUT", help="Log to write. Default: NAME.edited.tracks.jsonl."),
]
InPlace = Annotated[bool, typer.Option("--in-place", help="Replace LOG itself.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an output that exists.")]


def validate(
    logs: Annotated[list[Path], typer.Argument(metavar="LOG...", help="Track logs.")],
) -> None:
    """Check track logs: every line against the schema, and order, identities, boxes, summaries and footer.

    Exit codes: 0 all are valid, 1 some are not, 3 a file is no track log that this release reads.
    """
    from vidtrack.tracklog.validation import validate as check

    worst = exits.ALL_DONE
    for path in logs:
        try:
            found = check(path)
        except VidtrackError as error:
            if len(logs) == 1:
                raise
            print(printable(f"vidtrack: error: {error}"), file=sys.stderr)
            worst = max(worst, error.exit_code)
            continue
        for fault in found.faults[:_SHOWN]:
            typer.echo(printable(f"{path}{f':{fault.line}' if fault.line else ''}: {fault.message}"))
        if len(found.faults) > _SHOWN:
            typer.echo(f"{path}: {len(found.faults) - _SHOWN} more")
        verdict = "not valid" if found.faults else "valid"
        typer.echo(f"{path}: {verdict}, {found.frames} frames, {found.tracks} tracks, {found.status}")
        worst = max(worst, exits.SOME_FAILED if found.faults else exits.ALL_DONE)
    raise typer.Exit(worst)


def show(
    log: Log,
    tracks: Annotated[str | None, typer.Option(metavar="IDS", help="Only these, as 1,4.")] = None,
    classes: Annotated[str | None, typer.Option(metavar="NAMES", help="Only these, as person,car.")] = None,
    min_length: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only tracks this long: 1.5 seconds, or 12f frames.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Show what a track log is of, and a line for each of its tracks."""
    min_seconds, min_frames = parse_length(min_length)
    from vidtrack.tracklog import select
    from vidtrack.tracklog.overview import overview

    whole = read_log(log)
    chosen = select(whole, parse_identities(tracks), parse_classes(classes), min_seconds, min_frames)
    found = overview(chosen)
    if as_json:
        rate = None if found.rate is None else [found.rate.numerator, found.rate.denominator]
        typer.echo(json.dumps({"log": str(log), **asdict(found), "rate": rate}, ensure_ascii=False))
    else:
        _print_overview(log, found, len(set(whole.ids.tolist())))


def merge(
    log: Log, identities: Identities, output: Output = None, in_place: InPlace = False, overwrite: Overwrite = False
) -> None:
    """Make one track of several that are the same object; it bears the first id."""
    from vidtrack.tracklog import editing

    _edit(log, output, in_place, overwrite, lambda read: editing.merge(read, _parse(identities)))


def split(
    log: Log,
    identity: Annotated[str, typer.Argument(metavar="ID", help="A track.")],
    at: Annotated[Fraction, typer.Option(parser=parse_seconds, metavar="TIME", help="12.5 or 1:02:03.4")],
    output: Output = None,
    in_place: InPlace = False,
    overwrite: Overwrite = False,
) -> None:
    """Make two tracks of one that jumps from object to object; from TIME on it bears a new id."""
    from vidtrack.tracklog import editing

    _edit(log, output, in_place, overwrite, lambda read: editing.split(read, _parse_one(identity), at))


def relabel(
    log: Log,
    identities: Identities,
    name: Annotated[str, typer.Option("--class", metavar="NAME", help="One of the log's classes.")],
    output: Output = None,
    in_place: InPlace = False,
    overwrite: Overwrite = False,
) -> None:
    """Give tracks another class."""
    from vidtrack.tracklog import editing

    _edit(log, output, in_place, overwrite, lambda read: editing.relabel(read, _parse(identities), name))


def drop(
    log: Log, identities: Identities, output: Output = None, in_place: InPlace = False, overwrite: Overwrite = False
) -> None:
    """Take tracks out of a log."""
    from vidtrack.tracklog import editing

    _edit(log, output, in_place, overwrite, lambda read: editing.drop(read, _parse(identities)))


def read_log(path: Path) -> TrackLog:
    """Read a log; of one that was cut off, say how far it goes."""
    from vidtrack.tracklog import TrackLog

    log = TrackLog.load(path)
    if log.problem:
        last = f"frame {int(log.frame_indices[-1])}" if len(log) else "its header"
        print(printable(f"vidtrack: note: {log.problem}; read up to {last}"), file=sys.stderr)
    return log


def place_for(log: Path, output: Path | None, in_place: bool, overwrite: bool, mark: str = "edited") -> Path:
    """The log to write; raises UsageError where that would replace a file unasked."""
    from vidtrack.tracklog import is_log_path, stem_of
    from vidtrack.tracklog.schema import MARK

    if in_place:
        if output is not None:
            raise UsageError("--in-place and -o exclude each other", "give one of them")
        return log
    stem = stem_of(log)
    suffix = log.name[len(stem) :].removeprefix(MARK) if is_log_path(log) else ".jsonl"
    target = output or log.with_name(f"{stem.removesuffix(f'.{mark}')}.{mark}{MARK}{suffix}")
    if not is_log_path(target):
        raise UsageError(f"{target} has no track log extension", "choose .jsonl or .json, also .gz")
    if os.path.realpath(target) == os.path.realpath(log):
        raise UsageError(f"{target} is the log itself", "--in-place replaces it; -o gives another name")
    if not overwrite:
        refuse_existing([target])
    return target


def _edit(
    path: Path, output: Path | None, in_place: bool, overwrite: bool, change: Callable[[TrackLog], TrackLog]
) -> None:
    from vidtrack.tracklog import save

    target = place_for(path, output, in_place, overwrite)
    save(change(read_log(path)), target)
    typer.echo(target)


def _parse(texts: list[str]) -> tuple[int, ...]:
    return parse_identities(",".join(texts), "ID") or ()


def _parse_one(text: str) -> int:
    identities = _parse([text])
    if len(identities) > 1:
        raise UsageError(f"{text!r} names several tracks", "split them one by one")
    return identities[0]


def _print_overview(path: Path, found: Overview, of_tracks: int) -> None:
    from vidtrack.tracklog.overview import one_line

    width, height = found.size
    rate = "unknown rate" if found.rate is None else f"{float(found.rate):.6g} fps"
    typer.echo(
        f"{path}: {found.status}, {found.frames} frames, {found.first_seconds:.3f} to {found.last_seconds:.3f} s"
    )
    typer.echo(f"clip {one_line(found.source)}, {width}x{height}, {rate}; model {one_line(found.model)}")
    if found.events:
        typer.echo(printable(f"events: {', '.join(f'{count} {kind}' for kind, count in found.events.items())}"))
    if found.edits:
        typer.echo(printable(f"edits: {', '.join(_edit_line(edit) for edit in found.edits)}"))
    shown = "" if len(found.tracks) == of_tracks else f" of {of_tracks}"
    typer.echo(f"{len(found.tracks)}{shown} track{'' if len(found.tracks) == 1 else 's'}")
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


def _edit_line(edit: dict[str, Any]) -> str:
    what = edit.get("tracks", edit.get("track", ""))
    return f"{edit.get('op')} {','.join(map(str, what)) if isinstance(what, list) else what}".strip()
