"""Atomic file writes."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from vidtrack.core.errors import OutputError, UsageError

STDOUT = Path("-")


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file atomically, creating its folders; raises OutputError.

    Text is written as UTF-8; undecodable bytes of file names become escapes.
    """
    data = content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")
    partial = path.with_name(path.name + ".partial")
    try:
        if path.exists() and not path.is_file():  # os.replace would replace a device too
            raise OSError(errno.EEXIST, "it is not a regular file")
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)  # a link would redirect the write
        partial.write_bytes(data)
        os.replace(partial, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise _cannot_write(path, error) from None


def check_targets(targets: Sequence[Path | None], sources: Sequence[Path | None], overwrite: bool) -> None:
    """Raise UsageError if a target is a folder, an input, named twice, or already exists."""
    taken = {os.path.realpath(source) for source in sources if source is not None}
    for target in targets:
        if target is None:
            continue
        if target.is_dir():
            raise UsageError(f"{target} is a folder", "give a file name")
        if os.path.realpath(target) in taken:
            raise UsageError(f"{target} would replace another file of this command", "give another name")
        taken.add(os.path.realpath(target))
    if not overwrite:
        refuse_existing([target for target in targets if target not in (None, STDOUT)])


def refuse_existing(paths: Iterable[Path]) -> None:
    """Raise UsageError if one of the paths exists, even as a dangling link."""
    there = [path for path in paths if os.path.lexists(path)]
    if there:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise UsageError(f"{there[0]}{more} already exists", "--overwrite replaces it")


def check_writable(path: Path) -> None:
    """Raise OutputError if the file cannot be created; leaves nothing behind."""
    folder = next((parent for parent in path.absolute().parents if os.path.lexists(parent)), path.parent)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _cannot_write(path, error) from None


def _cannot_write(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"{path} cannot be written: {error.strerror or error}", "choose another location, or check the disk"
    )
