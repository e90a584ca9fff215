"""`vidtrack review`: correct a log by hand in a browser."""

from __future__ import annotations

import sys
import tempfile
import webbrowser
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidtrack.cli import exits, options
from vidtrack.cli.log import InPlace, Output, place_for
from vidtrack.cli.options import ProgressStyle
from vidtrack.cli.values import limits_of
from vidtrack.core.errors import printable

if TYPE_CHECKING:
    from vidtrack.cli.reporter import Reporter
    from vidtrack.render.inputs import RenderInputs
    from vidtrack.report.clip import Clip
    from vidtrack.report.html_report import Views


def review(
    log: options.LogFile,
    video: options.SourceVideo = None,
    output: Output = None,
    in_place: InPlace = False,
    overwrite: options.Overwrite = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine. Default: a free one.")] = 0,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address instead of opening a browser.")
    ] = False,
    max_pixels: options.MaxPixels = None,
    force: options.Force = False,
    progress: options.ProgressOption = ProgressStyle.auto,
) -> None:
    """Correct a log in the browser: split, merge, relabel and drop tracks, flag switches, undo, save.

    The page is served on this machine only, at an address with a secret token, until Ctrl-C; changes that are not saved
    by then are saved. The log itself stays as it is unless --in-place is given.

    Exit codes: 0 done, 1 the log could not be written, 2 usage error, 3 log or clip could not be read.
    """
    target = place_for(log, output, in_place, overwrite)
    from vidtrack.cli.reporter import reporter
    from vidtrack.render.inputs import TrackSelection, open_inputs
    from vidtrack.report.review_server import ReviewServer
    from vidtrack.report.review_session import ReviewSession

    inputs = open_inputs(log, video, TrackSelection(), force, limits_of(max_pixels, None))
    if inputs.log.problem:
        print(printable(f"vidtrack: note: {inputs.log.problem}"), file=sys.stderr)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vidtrack-review-")))
        with reporter(progress) as shown:
            clip, views = _look_through(inputs, folder, shown)
        session = ReviewSession(inputs, target, clip, views)
        server = stack.enter_context(ReviewServer(session, port))
        typer.echo(server.address)
        sys.stdout.flush()
        print("Ctrl-C ends the review", file=sys.stderr)
        if not no_browser:
            webbrowser.open(server.address_for_once())
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
        if session.unsaved:
            session.save()
            print(printable(f"changes saved to {target}"), file=sys.stderr)
    raise typer.Exit(exits.ALL_DONE)


def _look_through(inputs: RenderInputs, folder: Path, shown: Reporter) -> tuple[Clip, Views]:
    """The clip that the page plays, a copy in `folder` if browsers cannot play it, and what the page shows of it."""
    from vidtrack.report.clip import CopyWriter, clip_itself
    from vidtrack.report.html_report import look_through, why_copied

    copied = why_copied(inputs, False, False)
    writer = CopyWriter(inputs.footage, folder / "clip.mp4", copied) if copied else None
    try:
        views = look_through(inputs, writer, shown.follow(inputs.footage.info.path))
        clip = clip_itself(inputs.footage, False) if writer is None else writer.finish(False)
    except BaseException:
        if writer is not None:
            writer.abort()
        raise
    return clip, views
