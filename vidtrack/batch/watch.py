"""Finding new clips in a watched folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from vidtrack.batch.pending import identity_of
from vidtrack.batch.plan import Job
from vidtrack.batch.remote import Location
from vidtrack.core.errors import InputError, UsageError

_SCAN_SECONDS = 2.0
_STILL_SECONDS = 4.0  # a file that has not changed for this long is complete


class FolderWatch:
    """Calls `find_jobs` every few seconds and returns each new job once its clip has stopped growing.

    `warn` is told about whatever stops new clips from being taken.
    """

    def __init__(self, find_jobs: Callable[[], Sequence[Job]], warn: Callable[[str], None]) -> None:
        self._find_jobs, self._warn = find_jobs, warn
        self._known: set[Location] = set()
        self._seen: dict[Location, tuple[tuple[int, int], float]] = {}
        self._next_scan = 0.0
        self._warned = ""

    def new_jobs(self) -> list[Job]:
        """Jobs that have not been returned before; none between two scans."""
        now = time.monotonic()
        if now < self._next_scan:
            return []
        self._next_scan = now + _SCAN_SECONDS
        try:
            jobs = self._find_jobs()
        except InputError:  # an empty folder
            return []
        except UsageError as error:  # such as two clips with the same output
            if not self._seen:
                raise
            if str(error) != self._warned:
                self._warned = str(error)
                self._warn(f"{error}; no new clips are started until this is fixed")
            return []
        found = [job for job in jobs if job.source not in self._known and self._is_still(job.source, now)]
        self._known.update(job.source for job in found)
        return found

    def _is_still(self, source: Location, now: float) -> bool:
        identity = identity_of(source)
        before, since = self._seen.get(source, (None, now))
        if identity != before or identity == (-1, -1):  # it has changed, or is gone
            self._seen[source] = identity, now
            return False
        return now - since >= _STILL_SECONDS
