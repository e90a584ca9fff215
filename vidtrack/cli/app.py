"""The `vidtrack` command: what it consists of, and how its errors become one line and an exit code."""

from __future__ import annotations

import codecs
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
    log,
    probe,
    render,
    report,
    schema,
    train,
    weights,
)
from vidtrack.core.errors import VidtrackError, printable

app = typer.Typer(
    name="vidtrack",
    help="Objects in footage, tracked: a clip in, an annotated video and a track log out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("detect")(detect.detect)
app.command("render")(render.render)
app.command("report")(report.report)
app.command("export")(export.export)
app.command("show")(log.show)
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
_LIBRARY_HINT = "for libGL, which OpenCV's windows need: apt install libgl1, or pip install opencv-python-headless"


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
    """Objects in footage, tracked: a clip in, an annotated video and a track log out."""


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
    except BrokenPipeError:  # whoever read our output went away; keep Python from failing again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.SOME_FAILED
    except ImportError as error:
        if "cannot open shared object file" not in str(error):
            raise
        print(f"vidtrack: error: this machine lacks a library: {error} ({_LIBRARY_HINT})", file=sys.stderr)
        return exits.SOME_FAILED
    except OSError as error:  # a full disk behind standard output, say
        print(printable(f"vidtrack: error: {error}"), file=sys.stderr)
        return exits.SOME_FAILED


def _report_usage(error: Any) -> int:
    """One line for an option or argument that the parser refused; none where it has shown the help instead."""
    if message := " ".join(error.format_message().splitlines()).replace("Value error, ", "").rstrip("."):
        command = error.ctx.command_path if error.ctx is not None else "vidtrack"
        print(printable(f"vidtrack: error: {message} ({command} -h lists the options)"), file=sys.stderr)
    return exits.USAGE


def _as_it_is(error: UnicodeError) -> tuple[str | bytes, int]:
    """Names of files that are no UTF-8 are printed as they are, half characters of a log as JSON writes them."""
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.lookup_error("backslashreplace")(error)


def run() -> None:
    """Entry point of the installed command; a polite kill counts as an interrupt."""
    if sys.stderr is None:  # closed by whoever started us; print would take standard output in its stead
        sys.stderr = open(os.devnull, "w")
    if isinstance(sys.stdout, io.TextIOWrapper):
        codecs.register_error("as-it-is", _as_it_is)
        sys.stdout.reconfigure(errors="as-it-is")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
