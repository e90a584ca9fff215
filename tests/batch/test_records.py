from __future__ import annotations

from pathlib import Path

import pytest

from vidtrack.batch import records as module
from vidtrack.batch.manifest import FOLDER, NAME, Manifest
from vidtrack.batch.records import Records
from vidtrack.batch.remote import Address
from vidtrack.batch.remote_manifest import ManifestCopy, home_of


def test_records_are_refreshed_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    root = Address("file", str(tmp_path / "store"))
    there = tmp_path / "store" / FOLDER / NAME
    with ManifestCopy(root) as copy:
        manifest = Manifest(home_of(root) / FOLDER / NAME)
        records = Records(root, manifest, copy)
        records.changed = True
        records.refresh_if_stale()
        assert not there.exists()
        monkeypatch.setattr(module, "_EVERY_SECONDS", 0.0)
        records.refresh_if_stale()
        assert there.exists() and there.with_name("index.html").exists()
        there.unlink()
        records.refresh_if_stale()
        assert not there.exists()  # nothing has changed
        manifest.close()
