"""Errors a person can act on: one line that says what, which value, and what to do."""

from __future__ import annotations

import re

_LONGEST = 2000  # characters; what a damaged file holds may be as long as the file


_COMMANDS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # what a terminal obeys instead of showing it


def printable(text: str) -> str:
    """A text on one line in which names command no terminal: such characters are written as JSON does."""
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class VidtrackError(Exception):
    """Base of every error vidtrack raises on purpose; the command line turns it into `exit_code`."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.message} ({self.hint})" if self.hint else self.message
        line = printable(" ".join(text.splitlines()))  # a name in it may have several lines
        return line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 2 :]}"


class UsageError(VidtrackError):
    """A wrong option, name or combination, found before any work starts."""

    exit_code = 2


class MisfitError(UsageError):
    """A choice that does not suit this clip, and may suit others."""


class InputError(VidtrackError):
    """An input that cannot be read or decoded."""

    exit_code = 3


class OutputError(VidtrackError):
    """An output that cannot be written: permissions, full disk, existing file, unknown codec."""


class ResourceError(VidtrackError):
    """The machine ran out of something in the middle of a clip; the next clip may fit."""


class WeightsError(VidtrackError):
    """A checkpoint that is missing, corrupt, foreign, unsafe or does not fit its config."""

    exit_code = 2


class DataError(VidtrackError):
    """A dataset or annotation file that cannot be used as it is."""

    exit_code = 2


class LogError(VidtrackError):
    """A track log that is not valid, or of a version this release does not read."""

    exit_code = 3
