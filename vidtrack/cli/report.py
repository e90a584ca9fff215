"""`vidtrack report`: a page to look at."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidtrack.cli.options import MaxPixels, ProgressOption, ProgressStyle
from vidtrack.cli.values import limits_of, parse_classes, parse_identities, parse_length
from vidtrack.core.errors import UsageError, printable

if TYPE_CHECKING:
    from vidtrack.render.scene import Scene

_WHICH, _PAGE = "Which tracks", "The page"


def report(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="A track log.")],
    video: Annotated[
        Path | None,
        typer.Argument(metavar="VIDEO", help="Its clip. Default: where the log says, or beside the log."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="Page or folder. Default: NAME.report.html beside the log.",
            rich_help_panel=_PAGE,
        ),
    ] = None,
    embed: Annotated[
        bool, typer.Option("--embed", help="Put the clip into the page: one file to send.", rich_help_panel=_PAGE)
    ] = False,
    proxy: Annotated[
        bool,
        typer.Option(
            "--proxy",
            help="Play a small H.264 copy; made anyway where browsers do not play the clip.",
            rich_help_panel=_PAGE,
        ),
    ] = False,
    tracks: Annotated[
        str | None, typer.Option(metavar="IDS", help="Only these, as 1,4.", rich_help_panel=_WHICH)
    ] = None,
    classes: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Only these, as person,car.", rich_help_panel=_WHICH)
    ] = None,
    min_length: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Only tracks this long: 1.5 seconds, or 12f frames.", rich_help_panel=_WHICH),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Take another version of the clip: boxes are scaled to its size.")
    ] = False,
    max_pixels: MaxPixels = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.")] = False,
    progress: ProgressOption = ProgressStyle.auto,
) -> None:
    """Make one page of a track log: the clip with its tracks, a timeline, and what to type next.

    It opens in any browser and asks for nothing from a network. Exit codes: 0 done, 1 not written, 2 usage, 3 log or
    clip cannot be read.
    """
    from vidtrack.render.scene import Wanted, open_scene

    wanted = Wanted(parse_identities(tracks), (), parse_classes(classes), *parse_length(min_length))
    scene = open_scene(log, video, wanted, force, limits_of(max_pixels, None))

    from vidtrack.batch.plan import Job
    from vidtrack.cli.progress import reporter
    from vidtrack.report.html_report import copy_of, make_report, why_copied

    copied = why_copied(scene, embed, proxy)
    page = _page_for(log, output)
    _check_places([page, *([copy_of(page)] if copied and not embed else [])], scene, overwrite)
    if scene.log.problem:
        print(printable(f"vidtrack: note: {scene.log.problem}"), file=sys.stderr)
    with reporter(progress, [Job(scene.footage.info.path, None, None)]) as shown:
        try:
            made = make_report(scene, page, embed, copied, shown.progress)
        except KeyboardInterrupt:
            shown.say(f"{page}: interrupted, not made")
            raise
    for note in made.notes:
        print(printable(f"vidtrack: note: {note}"), file=sys.stderr)
    for file in (made.path, *([made.clip] if copied and made.clip is not None else [])):
        typer.echo(file)


def _page_for(log: Path, output: Path | None) -> Path:
    from vidtrack.tracklog import stem_of

    if output is None or os.path.isdir(output):
        return (output or log.parent) / f"{stem_of(log)}.report.html"
    if output.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{output} is no name of a page", "give one that ends in .html, or a folder")
    return output


def _check_places(targets: list[Path], scene: Scene, overwrite: bool) -> None:
    """Raise UsageError where an output exists or would replace what is read, OutputError where there is no folder."""
    from vidtrack.core.atomic_files import refuse_existing
    from vidtrack.render.encode import make_folder

    read = {os.path.realpath(path) for path in (scene.log_path, scene.footage.info.path)}
    for target in targets:
        if os.path.realpath(target) in read:
            raise UsageError(f"{target} is the log or the clip itself", "give another name")
    if not overwrite:
        refuse_existing(targets)
    make_folder(targets[0].parent)
