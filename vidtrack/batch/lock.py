"""One batch at a time where results go."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from vidtrack.batch.manifest import FOLDER
from vidtrack.batch.remote import Location
from vidtrack.batch.remote_manifest import home_of
from vidtrack.core.atomic_files import write_whole
from vidtrack.core.errors import OutputError, UsageError
from vidtrack.core.metadata import utc_now

_LONGEST = 200  # characters of what a holder says of itself


@contextmanager
def locked(root: Location) -> Iterator[None]:
    """Keep other batches out of `root`, those of other machines only if it is a shared folder.

    Raises UsageError if one is at work, naming it, and OutputError if the folder cannot be written.
    """
    folder = home_of(root) / FOLDER
    lock, holder = FileLock(folder / "lock"), folder / "holder"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise UsageError(
            f"another batch is running in {root}{_said(holder)}", "wait for it, or choose another output"
        ) from None
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror}", "choose another output") from None
    with lock:
        write_whole(holder, f"process {os.getpid()} on {socket.gethostname()} since {utc_now()}")
        try:
            yield
        finally:
            with suppress(OSError):
                holder.unlink()


def _said(holder: Path) -> str:
    """Who holds the lock, by its own words; empty if they cannot be read."""
    try:
        with holder.open(encoding="utf-8") as file:
            words = file.read(_LONGEST)
    except (OSError, UnicodeError):
        return ""
    return f": {words}" if words.isprintable() else ""
