"""The manifest of a batch: the state of each clip, in a database beside the outputs that survives any crash."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from vidtrack.batch.remote import Location, location_of
from vidtrack.core.errors import OutputError

FOLDER = "vidtrack-batch"
NAME = "manifest.sqlite"
VERSION = 2
WAITING, RUNNING, INTERRUPTED, DONE, FAILED, QUARANTINED = (
    "waiting", "running", "interrupted", "done", "failed", "quarantined",
)  # fmt: skip
STATES = WAITING, RUNNING, INTERRUPTED, DONE, FAILED, QUARANTINED
_PATIENCE = 60.0  # seconds for another program that has it open
_COLUMNS = (
    "source", "bytes", "mtime_ns", "content", "parameters", "weights", "outputs", "state", "attempts", "status",
    "frames", "tracks", "seconds", "error", "hint", "updated",
)  # fmt: skip
_SCHEMA = """
CREATE TABLE clips (
  source BLOB PRIMARY KEY,    -- the path or address as its bytes; not every file name is text
  bytes INTEGER NOT NULL,     -- of the clip when it was begun; with mtime_ns a quick sign that it is unchanged
  mtime_ns INTEGER NOT NULL,
  content TEXT NOT NULL,      -- hash of the clip, as in the log's header
  parameters TEXT NOT NULL,   -- sha256 of every choice that shapes the outputs
  weights TEXT NOT NULL,      -- sha256 of the model
  outputs TEXT NOT NULL,      -- JSON [[path, bytes], ...]
  state TEXT NOT NULL,        -- waiting, running, interrupted, done, failed or quarantined (crashed its worker twice)
  attempts INTEGER NOT NULL,  -- since the parameters last changed
  status TEXT NOT NULL,       -- of what is done: complete or truncated
  frames INTEGER NOT NULL,
  tracks INTEGER NOT NULL,
  seconds REAL NOT NULL,
  error TEXT NOT NULL,
  hint TEXT NOT NULL,
  updated TEXT NOT NULL       -- UTC
) WITHOUT ROWID
"""


@dataclass(frozen=True)
class Row:
    """What is known of a clip."""

    source: Location
    bytes: int
    mtime_ns: int
    content: str = ""
    parameters: str = ""
    weights: str = ""
    outputs: tuple[tuple[str, int], ...] = ()
    state: str = WAITING
    attempts: int = 0
    status: str = ""
    frames: int = 0
    tracks: int = 0
    seconds: float = 0.0
    error: str = ""
    hint: str = ""
    updated: str = ""


class Manifest:
    """Rows by source. Only one process writes; every change is on the disk when its method returns.

    Raises OutputError for a manifest that is damaged, of a newer version or not writable.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._clear():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, _PATIENCE, isolation_level=None)
            # a rollback journal, unlike write-ahead logging, also works on network file systems
            self._db.execute("PRAGMA journal_mode = DELETE")
            self._db.execute("PRAGMA synchronous = FULL")
            found = self._db.execute("PRAGMA user_version").fetchone()[0]
            if found == 0:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.execute(_SCHEMA)
                self._db.execute(f"PRAGMA user_version = {VERSION}")
                self._db.execute("COMMIT")
            elif found == 1:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.execute("UPDATE clips SET state = ? WHERE state = 'aside'", (QUARANTINED,))
                self._db.execute(f"PRAGMA user_version = {VERSION}")
                self._db.execute("COMMIT")
        if found > VERSION:
            self._db.close()
            raise OutputError(f"{path} is of version {found}, newer than {VERSION}", "update vidtrack")

    def rows(self) -> dict[Location, Row]:
        """All rows."""
        with self._clear():
            rows = map(_row, self._db.execute(f"SELECT {', '.join(_COLUMNS)} FROM clips"))
            return {row.source: row for row in rows}

    def recover(self) -> None:
        """Mark clips that were running when their batch died as interrupted; only for whoever holds the lock.

        It does not count as an attempt: the death was not the clip's fault.
        """
        with self._clear():
            self._db.execute(
                "UPDATE clips SET state = ?, attempts = max(0, attempts - 1) WHERE state = ?", (INTERRUPTED, RUNNING)
            )

    def forget(self, sources: Iterable[Location]) -> None:
        """Delete the rows of clips."""
        with self._clear():
            self._db.executemany("DELETE FROM clips WHERE source = ?", ((_key(source),) for source in sources))

    def put(self, rows: Iterable[Row]) -> None:
        """Store rows, all or none of them."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        marks = ", ".join("?" * len(_COLUMNS))
        with self._clear():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany(
                    f"INSERT OR REPLACE INTO clips ({', '.join(_COLUMNS)}) VALUES ({marks})",
                    (_values(replace(row, updated=now)) for row in rows),
                )
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite may have done it by itself, e.g. on a full disk
                    self._db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @contextmanager
    def _clear(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            hint = "delete it to start over" if "malformed" in str(error) or "not a database" in str(error) else ""
            raise OutputError(f"the manifest {self.path} cannot be used: {error}", hint) from None
        except (TypeError, ValueError) as error:  # a row that no version of this program has written
            raise OutputError(f"the manifest {self.path} is damaged: {error}", "delete it to start over") from None
        except OSError as error:
            raise OutputError(
                f"the manifest {self.path} cannot be written: {error.strerror}", "choose another folder"
            ) from None


def _row(values: tuple[object, ...]) -> Row:
    row = Row(*values)  # type: ignore[arg-type]
    if row.state not in STATES:
        raise ValueError(f"a clip is {row.state!r}")
    numbers = {name: int(getattr(row, name)) for name in ("bytes", "mtime_ns", "attempts", "frames", "tracks")}
    outputs = tuple((str(name), int(size)) for name, size in json.loads(str(row.outputs)))
    source = location_of(os.fsdecode(values[0]))  # type: ignore[arg-type]
    return replace(row, source=source, outputs=outputs, seconds=float(row.seconds), **numbers)  # type: ignore[arg-type]


def _values(row: Row) -> tuple[object, ...]:
    values = {name: getattr(row, name) for name in _COLUMNS}
    values.update(source=_key(row.source), outputs=json.dumps(row.outputs))
    values.update({name: _storable(values[name]) for name in ("error", "hint")})
    return tuple(values.values())


def _key(source: Location) -> bytes:
    return os.fsencode(str(source))


def _storable(text: str) -> str:
    """Text without the half characters that stand for bytes of a file name."""
    return text.encode("utf-8", "backslashreplace").decode()
