"""`vidtrack export`: tracks for editing programs, annotation tools and scripts."""

from __future__ import annotations

import sys
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidtrack.cli import options
from vidtrack.cli.many_logs import Tally
from vidtrack.cli.values import parse_classes, parse_identities, parse_length, parse_rate
from vidtrack.core.atomic_files import refuse_existing
from vidtrack.core.errors import UsageError, printable

if TYPE_CHECKING:
    from vidtrack.export.run import Exported

_BOXES, _WHEN = "Boxes", "Frames and times"


class AnchorName(StrEnum):
    """`vidtrack.export.scene.Anchor` as an option."""

    CENTER = "center"
    BOTTOM = "bottom"
    TOP_LEFT = "top-left"


def export(
    logs: Annotated[
        list[str] | None, typer.Argument(metavar="LOG", help="Track logs, folders of logs, or glob patterns.")
    ] = None,
    formats: Annotated[
        str, typer.Option("--to", metavar="FORMAT,...", help="Comma-separated formats, or all; --list shows them.")
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="Output folder; mirrors an input folder. Default: beside each log.",
        ),
    ] = None,
    list_formats: Annotated[
        bool, typer.Option("--list", help="List the formats, what they are for and how to import them.")
    ] = False,
    overwrite: options.Overwrite = False,
    tracks: options.Tracks = None,
    classes: options.TrackClasses = None,
    min_length: options.MinLength = None,
    anchor: Annotated[
        AnchorName, typer.Option(help="Point of the box used by point formats.", rich_help_panel=_BOXES)
    ] = AnchorName.CENTER,
    smooth: Annotated[
        float,
        typer.Option(min=0, max=60, metavar="SECONDS", help="Smooth boxes over this window.", rich_help_panel=_BOXES),
    ] = 0.0,
    fps: Annotated[
        Fraction | None,
        typer.Option(
            parser=parse_rate,
            metavar="RATE",
            help="Treat the decoded frames as this rate: reinterpreted footage, image sequences.",
            rich_help_panel=_WHEN,
        ),
    ] = None,
    conform_fps: Annotated[
        Fraction | None,
        typer.Option(
            parser=parse_rate,
            metavar="RATE",
            help="Resample by time to a timeline of this rate; required for variable-rate clips.",
            rich_help_panel=_WHEN,
        ),
    ] = None,
    start_frame: Annotated[
        int | None,
        typer.Option(
            min=-1_000_000,
            max=100_000_000,
            help="Number of the first frame in After Effects, Nuke, 3DE, Blender and Fusion. Default: the program's "
            "convention, e.g. 1001 in Nuke.",
            rich_help_panel=_WHEN,
        ),
    ] = None,
) -> None:
    """Export tracks to editing programs, annotation tools and scripts.

    Exit codes: 0 all done, 1 some logs failed, 2 usage error, 3 no log could be read.
    """
    if list_formats:
        _print_formats()
        raise typer.Exit
    if not logs:
        raise UsageError("no track log given", "vidtrack export LOG --to FORMAT; --list shows the formats")
    min_seconds, min_frames = parse_length(min_length)

    from vidtrack.export.build import ExportConfig
    from vidtrack.export.registry import ALL, find_formats
    from vidtrack.export.run import export_log, plan_outputs
    from vidtrack.export.scene import Anchor
    from vidtrack.tracklog.folders import find_logs

    config = ExportConfig(
        tracks=parse_identities(tracks),
        classes=parse_classes(classes),
        min_seconds=min_seconds,
        min_frames=min_frames,
        anchor=Anchor(anchor),
        rate=fps,
        conform_rate=conform_fps,
        start_frame=start_frame,
        smooth_seconds=smooth,
    )
    names = [name.strip() for name in formats.split(",") if name.strip()]
    wanted = find_formats(names)
    planned = plan_outputs(find_logs(logs), wanted, output)
    if not overwrite:
        refuse_existing(target for targets in planned.values() for target in targets.values())
    unnumbered = ", ".join(entry.name for entry in wanted if not entry.numbered)
    if start_frame is not None and unnumbered:
        print(f"vidtrack: note: --start-frame has no effect on {unnumbered}", file=sys.stderr)
    tally = Tally(len(planned))
    for log, targets in planned.items():
        with tally.log(log):
            _say(export_log(log, wanted, targets, config, skip_unfit=[name.lower() for name in names] == [ALL]))
    raise typer.Exit(tally.exit_code)


def _say(done: Exported) -> None:
    for note in done.notes:
        print(printable(f"vidtrack: note: {note}"), file=sys.stderr)
    for file in done.files:
        typer.echo(file)


def _print_formats() -> None:
    from vidtrack.export.registry import FORMATS

    width = max(len(entry.name) for entry in FORMATS)
    for entry in FORMATS:
        typer.echo(f"{entry.name:{width}}  {entry.purpose}\n{'':{width}}  {entry.how}")
