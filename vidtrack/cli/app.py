"""The `vidtrack` command: its subcommands, and errors as one line and an exit code."""

from __future__ import annotations

import codecs
import errno
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from vidtrack.cli import (
    count,
    detect,
    doctor,
    evaluate,
    exits,
    export,
    import_annotations,
    log,
    probe,
    render,
    report,
    review,
    schema,
    show,
    track,
    train,
    weights,
)
from vidtrack.cli.commands import Commands
from vidtrack.cli.mistakes import meant_command, meant_option
from vidtrack.core.errors import VidtrackError, printable

app = typer.Typer(
    cls=Commands,
    name="vidtrack",
    help="Track objects in video: clip in, annotated video and track log out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("detect")(detect.detect)
app.command("track")(track.track)
app.command("render")(render.render)
app.command("report")(report.report)
app.command("review")(review.review)
app.command("import")(import_annotations.import_annotations)
app.command("export")(export.export)
app.command("show")(show.show)
app.command("count")(count.count)
app.command("validate")(log.validate)
for _edit in (log.merge, log.split, log.relabel, log.drop):
    app.command(_edit.__name__)(_edit)
app.command("probe")(probe.probe)
app.command("schema")(schema.schema)
app.command("doctor")(doctor.doctor)
app.add_typer(evaluate.app, name="eval")
app.add_typer(weights.app, name="weights")
app.add_typer(train.app)
app.add_typer(train.data_app, name="data")
_ParserError: type[Exception] = typer.BadParameter.__mro__[1]  # UsageError of the parser that typer brings along
_MEMORY_HINT = "free some memory, or raise the limit of `ulimit -v`"
_MEMORY_SIGNS = ("can't start new thread", "failed to map segment", "Cannot allocate memory", "cannot allocate memory")
_LIBRARY_HINT = "OpenCV needs libGL: apt install libgl1, or pip install opencv-python-headless"


def _print_version(wanted: bool) -> None:
    if wanted:
        from vidtrack import __version__

        typer.echo(f"vidtrack {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Track objects in video: clip in, annotated video and track log out."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; errors become one line on stderr."""
    given = None if arguments is None else list(arguments)
    try:
        return app(args=given, prog_name="vidtrack", standalone_mode=False) or exits.ALL_DONE
    except SystemExit as end:  # shell completion
        return end.code if isinstance(end.code, int) else exits.ALL_DONE
    except _ParserError as error:
        return _report_usage(error)
    except VidtrackError as error:
        print(f"vidtrack: error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except BrokenPipeError:  # the reader of our output is gone; keep Python from failing again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.SOME_FAILED
    except MemoryError:
        print(f"vidtrack: error: out of memory ({_MEMORY_HINT})", file=sys.stderr)
        return exits.SOME_FAILED
    except (ImportError, RuntimeError, SystemError) as error:
        if any(sign in str(error) for sign in _MEMORY_SIGNS):
            print(printable(f"vidtrack: error: out of memory: {error} ({_MEMORY_HINT})"), file=sys.stderr)
            return exits.SOME_FAILED
        if "cannot open shared object file" not in str(error):
            raise
        print(f"vidtrack: error: a system library is missing: {error} ({_LIBRARY_HINT})", file=sys.stderr)
        return exits.SOME_FAILED
    except OSError as error:  # e.g. stdout on a full disk
        print(printable(f"vidtrack: error: {error}"), file=sys.stderr)
        return exits.SOME_FAILED


class _ClosedStream(io.TextIOBase):
    """Stands in for a standard output that the parent process closed: nothing printed is silently lost."""

    def writable(self) -> bool:
        return False

    def write(self, text: str) -> int:
        raise OSError(errno.EBADF, "standard output is closed")


def _report_usage(error: Any) -> int:
    """One line for an option or argument the parser refused; nothing if it has shown the help instead."""
    if (
        message := " ".join(map(str.strip, error.format_message().splitlines()))
        .replace("Value error, ", "")
        .rstrip(".")
    ):
        command = error.ctx.command_path if error.ctx is not None else "vidtrack"
        meant = meant_option(getattr(error, "option_name", None)) or meant_command(message, sys.argv[1:])
        print(printable(f"vidtrack: error: {meant or f'{message} (see {command} --help)'}"), file=sys.stderr)
    return exits.USAGE


def _as_it_is(error: UnicodeError) -> tuple[str | bytes, int]:
    """Print file names that are not UTF-8 unchanged, and lone surrogates of a log as JSON escapes."""
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.lookup_error("backslashreplace")(error)


def run() -> None:
    """Entry point of the installed command; SIGTERM counts as an interrupt."""
    if sys.stderr is None:  # closed by the parent process; print would write to stdout instead
        sys.stderr = open(os.devnull, "w")
    if sys.stdout is None:
        sys.stdout = _ClosedStream()
    if isinstance(sys.stdout, io.TextIOWrapper):
        codecs.register_error("as-it-is", _as_it_is)
        sys.stdout.reconfigure(errors="as-it-is")
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # a shell ignores it for background jobs
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
