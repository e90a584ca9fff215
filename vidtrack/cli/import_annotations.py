"""`vidtrack import`: corrections made in CVAT or Label Studio, back into a log."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from vidtrack.cli import options
from vidtrack.cli.log import InPlace, Output, place_for, read_log
from vidtrack.core.errors import printable
from vidtrack.core.wording import plural


def import_annotations(
    log: options.LogFile,
    annotations: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="CVAT for video 1.1 (.xml), or Label Studio's JSON."),
    ],
    output: Output = None,
    in_place: InPlace = False,
    overwrite: options.Overwrite = False,
) -> None:
    """Import tracks that were corrected in CVAT or Label Studio: a new log with the frames of LOG and those tracks.

    Tracks that cover one of LOG's keep its ID; boxes that were not changed keep their score.
    """
    target = place_for(log, output, in_place, overwrite)
    from vidtrack.datasets.annotated_tracks import read_annotated
    from vidtrack.datasets.corrected_log import with_annotations

    before = read_log(log)
    annotated = read_annotated(annotations, before.header.source.size)
    changed = with_annotations(before, annotated, annotations.name)
    changed.save(target)
    gone = len(set(before.ids.tolist()) - set(changed.ids.tolist()))
    new = len(set(changed.ids.tolist()) - set(before.ids.tolist()))
    print(printable(f"{plural(len(changed.tracks), 'track')}, {new} new, {gone} removed"), file=sys.stderr)
    typer.echo(target)
