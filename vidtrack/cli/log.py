"""`vidtrack validate`, `merge`, `split`, `relabel` and `drop`: check and edit track logs."""

from __future__ import annotations

import itertools
import os
import re
import sys
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidtrack.cli import exits, options
from vidtrack.cli.values import parse_identities, parse_seconds
from vidtrack.core.atomic_files import refuse_existing
from vidtrack.core.errors import UsageError, VidtrackError, printable
from vidtrack.core.wording import plural

if TYPE_CHECKING:
    from collections.abc import Callable

    from vidtrack.tracklog import TrackLog

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
        typer.echo(
            f"{path}: {verdict}, {plural(found.frames, 'frame')}, {plural(found.tracks, 'track')}, {found.status}"
        )
        worst = max(worst, exits.SOME_FAILED if found.faults else exits.ALL_DONE)
    raise typer.Exit(worst)


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
