"""The overview of a batch and the copy of its manifest, refreshed while it runs."""

from __future__ import annotations

import time

from vidtrack.batch.manifest import FOLDER, NAME, Manifest
from vidtrack.batch.overview import INDEX, REPORT, write_overview
from vidtrack.batch.remote import Location
from vidtrack.batch.remote_manifest import ManifestCopy, home_of

_EVERY_SECONDS = 60.0
_SHARE = 20  # wait at least this many times as long as the last refresh took


class Records:
    """Refreshed about once a minute, because nobody knows when a machine will stop."""

    def __init__(self, root: Location, manifest: Manifest, copy: ManifestCopy) -> None:
        self._root, self._manifest, self._copy = root, manifest, copy
        self._refreshed, self._took = time.monotonic(), 0.0
        self.changed = False

    def refresh_if_stale(self) -> None:
        """Refresh if something has changed and the last refresh was long ago."""
        if self.changed and time.monotonic() - self._refreshed > max(_EVERY_SECONDS, _SHARE * self._took):
            self.refresh()

    def finish(self) -> None:
        """Refresh if something has changed, in this run or in one that was killed."""
        folder = home_of(self._root) / FOLDER
        known, shown = ((folder / name).stat().st_mtime_ns if (folder / name).exists() else 0 for name in (NAME, INDEX))
        if self.changed or known > shown:
            self.refresh()

    def refresh(self) -> None:
        """Write the overview and copy the manifest; raises OutputError."""
        began = time.monotonic()
        write_overview(self._root, self._manifest.rows().values())
        self._copy.save()
        self._copy.put_reports([REPORT, INDEX])
        self._refreshed, self.changed = time.monotonic(), False
        self._took = self._refreshed - began
