"""Errors people can act on: one line that says what, which value, and what to do."""

from __future__ import annotations

import re

_LONGEST = 2000  # characters; a value from a damaged file may be as long as the file


_COMMANDS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # control characters that a terminal obeys


def printable(text: str) -> str:
    """The text on one line, with control characters escaped as in JSON."""
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def first_line(error: BaseException) -> str:
    """The first line of another package's error, or its type if it has no message."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


class VidtrackError(Exception):
    """Base of all errors that vidtrack raises; the command line exits with `exit_code`."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.message} ({self.hint})" if self.hint else self.message
        line = printable(" ".join(text.splitlines()))  # names may contain line breaks
        return line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 2 :]}"


class UsageError(VidtrackError):
    """An invalid option, name or combination, found before any work starts."""

    exit_code = 2


class ExistsError(UsageError):
    """An output that already exists and was not to be replaced."""


class MisfitError(UsageError):
    """An option that is invalid for this clip; the batch continues."""


class InputError(VidtrackError):
    """An input that cannot be read or decoded."""

    exit_code = 3


class OutputError(VidtrackError):
    """An output that cannot be written: permissions, full disk, existing file, unknown codec."""


class ResourceError(VidtrackError):
    """The machine ran out of memory or another resource during a clip; the next clip may fit."""


class WeightsError(VidtrackError):
    """A checkpoint that is missing, corrupt, unsupported, unsafe or inconsistent with its config."""

    exit_code = 2


class DataError(VidtrackError):
    """An invalid dataset or annotation file."""

    exit_code = 2


class LogError(VidtrackError):
    """A track log that is invalid or of an unsupported version."""

    exit_code = 3
