"""Commands that take one track log or a folder of them."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from vidtrack.cli import exits
from vidtrack.core.errors import ExistsError, InputError, LogError, UsageError, VidtrackError, printable
from vidtrack.core.wording import plural

_OF_ONE_LOG = {  # parameters that make sense for one log only, by their spelling
    "video": "VIDEO",
    "tracks": "--tracks",
    "without": "--except",
    "crop_track": "--crop-track ID",
}
_FILES = (".html", ".htm", ".json", ".jsonl", ".gz", ".mp4", ".mov", ".mkv", ".webm")


class Tally:
    """How many of several logs are done; an error of one does not stop the others."""

    def __init__(self, total: int) -> None:
        self._total, self._skipped = total, 0
        self._errors: list[VidtrackError] = []

    @contextmanager
    def log(self, log: Path, skip_existing: bool = False) -> Iterator[None]:
        """Print an error about this log and continue; the error of an only log is raised."""
        try:
            yield
        except VidtrackError as error:
            if skip_existing and isinstance(error, ExistsError):
                self._skipped += 1
                return
            if self._total == 1:
                raise
            named = "" if str(log) in error.message else f"{log}: "
            print(printable(f"vidtrack: error: {named}{error}"), file=sys.stderr)
            self._errors.append(error)

    @property
    def failed(self) -> int:
        """How many logs failed."""
        return len(self._errors)

    @property
    def exit_code(self) -> int:
        """The exit code of the command."""
        if not self._errors:
            return exits.ALL_DONE
        unreadable = [error for error in self._errors if isinstance(error, InputError | LogError)]
        return exits.NOTHING_DECODABLE if len(unreadable) == self._total else exits.SOME_FAILED

    def print_total(self) -> None:
        """Say how many logs are done, were skipped and failed."""
        failed, skipped = self.failed, self._skipped
        parts = [f"{self._total - failed - skipped} done"]
        parts += [f"{skipped} skipped, as their outputs exist (--overwrite replaces them)"] if skipped else []
        parts += [f"{failed} failed"] if failed else []
        print(f"{plural(self._total, 'log')}: {', '.join(parts)}", file=sys.stderr)


def logs_in(path: Path) -> dict[Path, Path] | None:
    """The logs in and below a folder, or of a pattern, each with the folders between; None for a single log."""
    from vidtrack.tracklog.folders import find_logs

    logs = find_logs([str(path)])
    return None if list(logs) == [path] else logs


def refuse_for_many(path: Path, given: Mapping[str, Any]) -> None:
    """Raise UsageError for parameters that mean one log only."""
    for name, spelling in _OF_ONE_LOG.items():
        if given.get(name) not in (None, "all"):
            kind = "folder" if os.path.isdir(path) else "pattern"
            raise UsageError(f"{spelling} is for a single log; {path} is a {kind}", "run it for one log")


def for_each_log(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command for one `log` take a folder of them, with the folder's tree repeated in `output` and `report`."""

    @functools.wraps(command)
    def run(**given: Any) -> None:
        path, output, report = given["log"], given.get("output"), given.get("report")
        logs = logs_in(path)
        if logs is None:
            return command(**given)
        refuse_for_many(path, given)
        for option, place in (("-o", output), ("--report", report)):
            if place is not None and (os.path.isfile(place) or Path(place).suffix.lower() in _FILES):
                raise UsageError(f"{option} {place} is a single file; {path} may hold several logs", "name a folder")
        tally = Tally(len(logs))
        for log, below in logs.items():
            with tally.log(log, skip_existing=True):
                command(**{**given, "log": log, **_places(log, below, output, report)})
        tally.print_total()
        raise typer.Exit(tally.exit_code)

    return run


def _places(log: Path, below: Path, output: Path | str | None, report: Path | None) -> dict[str, Any]:
    """Where the outputs of one of many logs go."""
    from vidtrack.core.atomic_files import make_folder
    from vidtrack.tracklog import stem_of

    places: dict[str, Any] = {}
    if output is not None:
        make_folder(Path(output, below))
        places["output"] = type(output)(Path(output, below))
    if report is not None:
        places["report"] = report / below / f"{stem_of(log)}.json"
    return places
