"""`vidtrack report`: an HTML report of a track log."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidtrack.cli import options
from vidtrack.cli.many_logs import for_each_log
from vidtrack.cli.options import ProgressStyle
from vidtrack.cli.values import limits_of, parse_classes, parse_identities, parse_length
from vidtrack.core.errors import UsageError, printable

if TYPE_CHECKING:
    from vidtrack.render.inputs import RenderInputs

_PAGE = "Report"


@for_each_log
def report(
    log: options.LogOrFolder,
    video: options.SourceVideo = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="Output file or folder. Default: NAME.report.html beside the log.",
            rich_help_panel=_PAGE,
        ),
    ] = None,
    embed: Annotated[
        bool, typer.Option("--embed", help="Embed the clip, for a single file to share.", rich_help_panel=_PAGE)
    ] = False,
    proxy: Annotated[
        bool,
        typer.Option(
            "--proxy",
            help="Play a small H.264 copy; made anyway if browsers cannot play the clip.",
            rich_help_panel=_PAGE,
        ),
    ] = False,
    tracks: options.Tracks = None,
    classes: options.TrackClasses = None,
    min_length: options.MinLength = None,
    max_pixels: options.MaxPixels = None,
    overwrite: options.Overwrite = False,
    force: options.Force = False,
    progress: options.ProgressOption = ProgressStyle.auto,
) -> None:
    """Write an HTML report: the clip with its tracks, a timeline, and the commands to type next.

    It opens in any browser and loads nothing from the network. For a folder of logs, a report is written for each that
    has none, and the index of a batch there links to them.

    Exit codes: 0 done, 1 could not be written or some logs failed, 2 usage error, 3 log or clip could not be read.
    """
    from vidtrack.render.inputs import TrackSelection, open_inputs

    wanted = TrackSelection(parse_identities(tracks), (), parse_classes(classes), *parse_length(min_length))
    inputs = open_inputs(log, video, wanted, force, limits_of(max_pixels, None))

    from vidtrack.batch.overview import refresh_overview
    from vidtrack.cli.reporter import reporter
    from vidtrack.report.html_report import copy_of, make_report, why_copied

    copied = why_copied(inputs, embed, proxy)
    page = _page_for(log, output)
    _check_places([page, *([copy_of(page)] if copied and not embed else [])], inputs, overwrite)
    if inputs.log.problem:
        print(printable(f"vidtrack: note: {inputs.log.problem}"), file=sys.stderr)
    with reporter(progress) as shown:
        try:
            made = make_report(inputs, page, embed, copied, shown.follow(inputs.footage.info.path))
        except KeyboardInterrupt:
            shown.say(f"{page}: interrupted, not written")
            raise
    refresh_overview(made.path)
    for note in made.notes:
        print(printable(f"vidtrack: note: {note}"), file=sys.stderr)
    for file in (made.path, *([made.clip] if copied and made.clip is not None else [])):
        typer.echo(file)


def _page_for(log: Path, output: Path | None) -> Path:
    from vidtrack.tracklog import stem_of

    if output is None or os.path.isdir(output):
        return (output or log.parent) / f"{stem_of(log)}.report.html"
    if output.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{output} is not an .html file", "give a name that ends in .html, or a folder")
    return output


def _check_places(targets: list[Path], inputs: RenderInputs, overwrite: bool) -> None:
    """Raise UsageError if an output exists or would replace an input, OutputError if its folder cannot be made."""
    from vidtrack.core.atomic_files import refuse_existing
    from vidtrack.render.encode import make_folder

    read = {os.path.realpath(path) for path in (inputs.log_path, inputs.footage.info.path)}
    for target in targets:
        if os.path.realpath(target) in read:
            raise UsageError(f"{target} is the input log or clip", "choose another name")
    if not overwrite:
        refuse_existing(targets)
    make_folder(targets[0].parent)
