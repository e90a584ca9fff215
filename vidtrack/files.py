"""Files that get their name when they are whole."""

from __future__ import annotations

import contextlib
import os
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
        raise OutputError(
            f"{path} cannot be written: {error.strerror or error}", "choose another place, or check the disk"
        ) from None
