"""What the files are called that are made from a log."""

from __future__ import annotations

import os
from pathlib import Path

from vidtrack.core.errors import UsageError
from vidtrack.tracklog import stem_of


def target_of(log_path: Path, output: str | None, mark: str, suffix: str) -> Path:
    """The one file to make: `output` itself, or NAME.MARK.SUFFIX in that folder; beside the log if None.

    Raises UsageError where `output` is an empty name or a stream.
    """
    if output is None or is_folder(output):
        return target_in(log_path, output, mark, suffix)
    return Path(output)


def target_in(log_path: Path, output: str | None, mark: str, suffix: str) -> Path:
    """One of several files: NAME.MARK.SUFFIX in the folder `output`, beside the log if None.

    Raises UsageError where `output` is a file's name, an empty one, or a stream.
    """
    if output is not None and not output.strip():
        raise UsageError("the output has an empty name", "give the name of a file or a folder")
    if output == "-":
        raise UsageError("pictures are files, not a stream", "give the name of a file or a folder")
    if output is not None and not is_folder(output):
        raise UsageError(f"{output} is one file, and there may be many", "give a folder; end its name with /")
    folder = log_path.parent if output is None else Path(output)
    return folder / f"{stem_of(log_path)}.{mark}{suffix}"


def is_folder(output: str) -> bool:
    """True for the name of a folder, there or to be made."""
    return os.path.isdir(output) or output.endswith(("/", os.sep)) or not Path(output).suffix
