"""`vidtrack detect` on a camera, a stream, a file on the web or standard input."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vidtrack.cli import exits
from vidtrack.cli.options import ProgressStyle
from vidtrack.core.errors import InputError, UsageError, VidtrackError

if TYPE_CHECKING:
    from vidtrack.batch.plan import Job
    from vidtrack.core.stages import Progress
    from vidtrack.core.types import Frame
    from vidtrack.model.choice import ModelChoice
    from vidtrack.pipeline.config import RunConfig
    from vidtrack.render.window import Window
    from vidtrack.video import LiveReader

STDIN = "-"


def streamed(inputs: Sequence[str]) -> str | None:
    """The input that is not a file, a folder or in a store; None if there is none. Raises UsageError if not alone."""
    from vidtrack.video.live_source import is_web_file, live_source

    found = [text for text in inputs if text == STDIN or is_web_file(text) or live_source(text) is not None]
    if found and len(inputs) > 1:
        raise UsageError(f"{_shown(found[0])} must be the only input", "run vidtrack once for each camera or stream")
    return found[0] if found else None


def file_name(text: str) -> str:
    """A name for the files to make of a source that has none."""
    from vidtrack.video.live_source import live_source, stem_of

    source = live_source(text)
    return f"{'stdin' if text == STDIN else stem_of(text) if source is None else source.stem}.stream"


def detect_streamed(
    text: str,
    job: Job,
    model: ModelChoice,
    config: RunConfig,
    overwrite: bool,
    progress: ProgressStyle,
    reconnect_seconds: float,
    report: Path | None,
    show: bool,
) -> int:
    """Track what comes until it ends or Ctrl-C; returns the exit code."""
    from vidtrack.batch.engine import Outcome
    from vidtrack.batch.plan import LocalJob, refuse_existing
    from vidtrack.cli.reporter import reporter
    from vidtrack.cli.summary import write_report
    from vidtrack.core.atomic_files import check_writable, make_folder
    from vidtrack.core.status import Status
    from vidtrack.video import probe

    if not overwrite:
        refuse_existing([job])
    local = LocalJob(Path(_shown(text)), job.video, job.log)  # type: ignore[arg-type]
    for target in local.outputs:
        make_folder(target.parent)
        check_writable(target)
    with ExitStack() as stack:
        opened = _opened(text, config, reconnect_seconds, stack)
        read = config.framerate, config.limits, config.stream
        try:
            source = probe(opened, *read) if isinstance(opened, Path) else opened
        except InputError as error:  # of the copy, whose name says nothing
            raise InputError(error.message.replace(str(opened), _shown(text)), error.hint) from None

        from vidtrack.pipeline.track_video import track_video  # PyTorch takes seconds to load

        window = stack.enter_context(shown_window(show))
        shown = stack.enter_context(reporter(progress))
        tell, offer = watched_in(window, shown.follow(local.source))
        try:
            result = track_video(
                source,
                model.load(),
                log=local.log,
                video=local.video,
                config=config,
                overwrite=overwrite,
                progress=tell,
                show=offer,
                source_name=_shown(text),
            )
            outcome = Outcome(local, result.status, result)
        except UsageError:
            raise
        except VidtrackError as error:
            outcome = Outcome(local, Status.FAILED, error=error)
        shown.finish(outcome)
    if report is not None:
        write_report(report, [outcome])
    return exits.of_outcomes([outcome])


@contextmanager
def shown_window(show: bool) -> Iterator[Window | None]:
    """The window of `--show`, open while inside; raises UsageError if there can be none."""
    if not show:
        yield None
        return
    from vidtrack.render.window import Window

    with Window() as window:
        yield window


def watched_in(
    window: Window | None, tell: Callable[[Progress], None]
) -> tuple[Callable[[Progress], None], Callable[[Frame], None] | None]:
    """Callbacks for progress, which interrupts the run once the window is closed, and for drawn frames."""
    if window is None:
        return tell, None
    closed = False

    def tell_if_open(progress: Progress) -> None:
        nonlocal closed
        tell(progress)
        if not closed and not window.is_open:
            closed = True
            raise KeyboardInterrupt

    return tell_if_open, window.offer


def _opened(text: str, config: RunConfig, reconnect_seconds: float, stack: ExitStack) -> LiveReader | Path:
    """A reader of a live source, or a copy of what is a file elsewhere."""
    from vidtrack.video import LiveReader
    from vidtrack.video.live_source import STANDARD_INPUT, live_source
    from vidtrack.video.web_file import copy_pipe, download

    if text == STDIN and (sys.stdin is None or sys.stdin.isatty()):
        what = "closed" if sys.stdin is None else "a terminal"
        raise UsageError(f"standard input is {what}", "pipe a video in: cat clip.mp4 | vidtrack detect -")
    live = STANDARD_INPUT if text == STDIN and config.live else live_source(text)
    if live is not None:
        return stack.enter_context(LiveReader(live, config.read, reconnect_seconds))
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="vidtrack-"))
    copy = Path(folder, "clip")
    if text != STDIN:
        download(text, copy, reconnect_seconds)
    else:
        copy_pipe(sys.stdin.buffer, copy)
    return copy


def _shown(text: str) -> str:
    from vidtrack.video.live_source import live_source, without_password

    source = live_source(text)
    return "standard input" if text == STDIN else without_password(text) if source is None else source.name
