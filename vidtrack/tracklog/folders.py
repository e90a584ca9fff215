"""Track logs by file name, pattern or folder."""

from __future__ import annotations

import glob
import gzip
import os
import zlib
from collections.abc import Sequence
from pathlib import Path

from vidtrack.core.errors import InputError
from vidtrack.tracklog.header import SCHEMA_NAME
from vidtrack.tracklog.schema import SUFFIXES, is_log_path

_SNIFFED = 4096  # bytes of a file in a folder that show whether it is a log


def find_logs(inputs: Sequence[str]) -> dict[Path, Path]:
    """The logs meant, each with the folders between it and the folder given: files, patterns, all in folders and below.

    Raises InputError for a folder or pattern without a log.
    """
    found: dict[str, tuple[Path, Path]] = {}
    for text in inputs:
        path = Path(os.path.expanduser(text))
        logs = {path: Path()}
        if os.path.isdir(path):
            all_files = [Path(folder, name) for folder, _, names in sorted(os.walk(path)) for name in sorted(names)]
            logs = {
                log: log.parent.relative_to(path) for log in all_files if is_log_path(log) and _opens_like_a_log(log)
            }
        elif not os.path.exists(path) and glob.has_magic(text):
            logs = {Path(name): Path() for name in sorted(glob.glob(os.path.expanduser(text), recursive=True))}
        if not logs:
            raise InputError(f"{text} contains no track log", f"logs end in {', '.join(SUFFIXES)}")
        for log, below in logs.items():
            found.setdefault(os.path.realpath(log), (log, below))
    return dict(found.values())


def _opens_like_a_log(path: Path) -> bool:
    if not path.is_file():  # opening a pipe would wait for its writer
        return False
    try:
        with gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb") as stream:
            return SCHEMA_NAME.encode() in stream.read1(_SNIFFED)
    except (OSError, EOFError, zlib.error):
        return False
