"""`vidtrack validate`, `show`, `merge`, `split`, `relabel` and `drop`: check, read and edit track logs."""

from __future__ import annotations

import itertools
import json
import os
import re
import sys
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidtrack.cli import exits, options
from vidtrack.cli.columns import print_columns
from vidtrack.cli.values import parse_classes, parse_identities, parse_length, parse_seconds
from vidtrack.core.atomic_files import refuse_existing
from vidtrack.core.errors import UsageError, VidtrackError, printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from vidtrack.tracklog import TrackLog
    from vidtrack.tracklog.header import Edit
    from vidtrack.tracklog.overview import Overview

_SHOWN = 20  # faults of a log that are listed

Identities = Annotated[list[str], typer.Argument(metavar="ID...", help="Track IDs: 3 7 or 3,7.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="OUT", help="Log to write. Default: NAME.edited.tracks.jsonl beside it."),
]
InPlace = Annotated[bool, typer.Option("--in-place", help="Overwrite LOG.")]


def validate(
    logs: Annotated[list[Path], typer.Argument(metavar="LOG...", help="Track logs.")],
) -> None:
    """Validate track logs: schema of every line, frame order, IDs, boxes, summaries and footer.

    Exit codes: 0 all valid, 1 some invalid, 3 a file is not a track log this version can read.
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
    log: options.LogFile,
    tracks: options.Tracks = None,
    classes: options.TrackClasses = None,
    min_length: options.MinLength = None,
    as_json: options.AsJson = False,
) -> None:
    """Show a summary of a track log and a table of its tracks."""
    min_seconds, min_frames = parse_length(min_length)
    from vidtrack.tracklog import select
    from vidtrack.tracklog.overview import overview

    whole = read_log(log)
    chosen = select(whole, parse_identities(tracks), parse_classes(classes), min_seconds, min_frames)
    found = overview(chosen)
    if as_json:
        rate = None if found.rate is None else [found.rate.numerator, found.rate.denominator]
        typer.echo(
            json.dumps(
                {"log": str(log), **asdict(found), "rate": rate, "edits": [edit.to_dict() for edit in found.edits]},
                ensure_ascii=False,
            )
        )
    else:
        _print_overview(log, found, len(set(whole.ids.tolist())))


def merge(
    log: options.LogFile,
    identities: Identities,
    output: Output = None,
    in_place: InPlace = False,
    overwrite: options.Overwrite = False,
) -> None:
    """Merge tracks of the same object into one, with the first ID."""
    from vidtrack.tracklog import editing

    _edit(log, output, in_place, overwrite, lambda read: editing.merge(read, _parse(identities)))


def split(
    log: options.LogFile,
    identity: Annotated[str, typer.Argument(metavar="ID", help="Track ID.")],
    at: Annotated[
        Fraction, typer.Option(parser=parse_seconds, metavar="TIME", help="Where to split: 12.5 or 1:02:03.4.")
    ],
    output: Output = None,
    in_place: InPlace = False,
    overwrite: options.Overwrite = False,
) -> None:
    """Split a track that jumps to another object; from TIME on it gets a new ID."""
    from vidtrack.tracklog import editing

    _edit(log, output, in_place, overwrite, lambda read: editing.split(read, _parse_one(identity), at))


def relabel(
    log: options.LogFile,
    identities: Identities,
    name: Annotated[str, typer.Option("--class", metavar="NAME", help="One of the log's classes.")],
    add_class: Annotated[bool, typer.Option("--add-class", help="Add NAME if the log has no such class.")] = False,
    output: Output = None,
    in_place: InPlace = False,
    overwrite: options.Overwrite = False,
) -> None:
    """Change the class of tracks."""
    from vidtrack.tracklog import editing

    _edit(log, output, in_place, overwrite, lambda read: editing.relabel(read, _parse(identities), name, add_class))


def drop(
    log: options.LogFile,
    identities: Identities,
    output: Output = None,
    in_place: InPlace = False,
    overwrite: options.Overwrite = False,
) -> None:
    """Remove tracks from a log."""
    from vidtrack.tracklog import editing

    _edit(log, output, in_place, overwrite, lambda read: editing.drop(read, _parse(identities)))


def read_log(path: Path) -> TrackLog:
    """Read a log; if it is cut off, say how far it goes."""
    from vidtrack.tracklog import TrackLog

    log = TrackLog.load(path)
    if log.problem:
        last = f"frame {int(log.frame_indices[-1])}" if len(log) else "its header"
        print(printable(f"vidtrack: note: {log.problem}; read up to {last}"), file=sys.stderr)
    return log


def place_for(log: Path, output: Path | None, in_place: bool, overwrite: bool, mark: str = "edited") -> Path:
    """The log to write; raises UsageError if that would replace a file without --overwrite."""
    from vidtrack.tracklog import is_log_path, stem_of
    from vidtrack.tracklog.schema import MARK

    if in_place:
        if output is not None:
            raise UsageError("--in-place and -o cannot be combined", "use one of them")
        return log
    stem = stem_of(log)
    suffix = log.name[len(stem) :].removeprefix(MARK) if is_log_path(log) else ".jsonl"
    target = output or _unused_name(
        log, re.sub(rf"\.{mark}(-\d+)?$", "", stem) + f".{mark}", f"{MARK}{suffix}", overwrite
    )
    if not is_log_path(target):
        raise UsageError(f"{target} is not a track log name", "end it in .jsonl or .json, optionally with .gz")
    if os.path.realpath(target) == os.path.realpath(log):
        raise UsageError(f"{target} is the input log", "use --in-place to replace it, or choose another name with -o")
    if not overwrite:
        refuse_existing([target])
    return target


def _unused_name(log: Path, stem: str, suffix: str, overwrite: bool) -> Path:
    """NAME.edited, or NAME.edited-2 and so on for a further edit."""
    names = itertools.chain([f"{stem}{suffix}"], (f"{stem}-{n}{suffix}" for n in itertools.count(2)))
    paths = map(log.with_name, names)
    return next(p for p in paths if not (os.path.samefile(p, log) if overwrite and p.exists() else os.path.lexists(p)))


def _edit(
    path: Path, output: Path | None, in_place: bool, overwrite: bool, change: Callable[[TrackLog], TrackLog]
) -> None:
    target = place_for(path, output, in_place, overwrite)
    change(read_log(path)).save(target)
    typer.echo(target)


def _parse(texts: list[str]) -> tuple[int, ...]:
    return parse_identities(",".join(texts), "ID") or ()


def _parse_one(text: str) -> int:
    identities = _parse([text])
    if len(identities) > 1:
        raise UsageError(f"split takes one track, got {text!r}", "split them one at a time")
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


def _edit_line(edit: Edit) -> str:
    what = edit.details.get("tracks", edit.details.get("track", ""))
    return f"{edit.operation} {','.join(map(str, what)) if isinstance(what, list) else what}".strip()
