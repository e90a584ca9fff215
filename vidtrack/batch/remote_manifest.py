"""The manifest of results at an address: at work on this machine, with a copy beside the results."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import TracebackType

from platformdirs import user_state_path

from vidtrack.batch.manifest import FOLDER, NAME
from vidtrack.batch.remote import Address, Location, fetch, look_up, put
from vidtrack.core.errors import OutputError, VidtrackError


def home_of(root: Location) -> Path:
    """The folder of this machine that holds the manifest of results in `root`: itself, or one for an address."""
    if isinstance(root, Path):
        return root
    return user_state_path("vidtrack") / "batches" / sha256(str(root).encode()).hexdigest()[:16]


class ManifestCopy:
    """Brings the manifest from an address if the one of this machine is older or missing, and puts it back.

    A context: whatever happens in it, the manifest is saved at its end. Does nothing if `root` is not an address.
    Raises InputError or OutputError if the store cannot be used.
    """

    def __init__(self, root: Location) -> None:
        self._address = root if isinstance(root, Address) else None
        self._folder = home_of(root) / FOLDER

    def save(self) -> None:
        """Put the manifest as it is now to the address."""
        if self._address is None or not (self._folder / NAME).exists():
            return
        with tempfile.TemporaryDirectory(prefix="vidtrack-manifest-") as folder:
            copy = Path(folder, NAME)
            _copy_database(self._folder / NAME, copy)
            put(copy, self._address / FOLDER / NAME)

    def put_reports(self, names: Sequence[str]) -> None:
        """Put files that lie beside the manifest to the address."""
        if self._address is not None:
            for name in names:
                put(self._folder / name, self._address / FOLDER / name)

    def __enter__(self) -> ManifestCopy:
        if self._address is not None and (there := look_up(self._address / FOLDER / NAME)) is not None:
            with tempfile.TemporaryDirectory(prefix="vidtrack-manifest-") as folder:
                fetched = Path(folder, NAME)
                fetch(replace(there, bytes=-1), fetched)
                if _last_change(fetched) > _last_change(self._folder / NAME):
                    _copy_database(fetched, self._folder / NAME)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if error is None:
            self.save()
            return
        with contextlib.suppress(VidtrackError):  # of two errors the first one counts
            self.save()


def _last_change(path: Path) -> str:
    """When the newest row was written, in UTC; empty if there is none."""
    if not path.exists():
        return ""
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as database:
        return str(database.execute("SELECT max(updated) FROM clips").fetchone()[0] or "")
    return ""


def _copy_database(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(source)) as old, contextlib.closing(sqlite3.connect(target)) as new:
            old.backup(new)
    except (sqlite3.Error, OSError) as error:
        raise OutputError(f"the manifest {source} cannot be copied to {target}: {error}", "check the disk") from None
