"""Files that get their name when they are whole."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from vidtrack.errors import OutputError


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file, and the folders to it, so that nobody ever sees a half of it; raises OutputError.

    Text becomes UTF-8; bytes of a file name that are none become escapes.
    """
    data = content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)  # were it a link, what it leads to would be overwritten
        partial.write_bytes(data)
        os.replace(partial, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise _cannot_write(path, error) from None


def check_writable(path: Path) -> None:
    """Raise OutputError where no file of this name can be made; leaves nothing behind."""
    folder = next((parent for parent in path.absolute().parents if os.path.lexists(parent)), path.parent)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _cannot_write(path, error) from None


def _cannot_write(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{path} cannot be written: {error.strerror or error}", "choose another place, or check the disk"
    )
