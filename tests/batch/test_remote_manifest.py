"""The manifest of results at an address."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from vidtrack.batch.manifest import FOLDER, NAME, Manifest, Row
from vidtrack.batch.remote import Address
from vidtrack.batch.remote_manifest import ManifestCopy, home_of


def _put_row(home: Path, name: str) -> None:
    manifest = Manifest(home / FOLDER / NAME)
    manifest.put([Row(Path(name), 0, 0)])
    manifest.close()


def _names(home: Path) -> set[str]:
    manifest = Manifest(home / FOLDER / NAME)
    names = {str(source) for source in manifest.rows()}
    manifest.close()
    return names


def test_the_newer_manifest_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Address("file", str(tmp_path / "store"))
    homes = [tmp_path / "one", tmp_path / "two"]
    for number in (0, 1, 0):
        monkeypatch.setenv("XDG_STATE_HOME", str(homes[number]))
        monkeypatch.setattr("vidtrack.batch.manifest.datetime", _Clock(f"2030-01-0{number + 1}"))
        with ManifestCopy(root):
            known = _names(home_of(root))
            _put_row(home_of(root), f"clip{number}")
    assert known == {"clip0", "clip1"}


def test_a_batch_that_breaks_off_saves_its_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    root = Address("file", str(tmp_path / "store"))
    with pytest.raises(KeyboardInterrupt), ManifestCopy(root):
        _put_row(home_of(root), "clip")
        raise KeyboardInterrupt
    with sqlite3.connect(tmp_path / "store" / FOLDER / NAME) as copy:
        assert copy.execute("SELECT count(*) FROM clips").fetchone() == (1,)
    copy.close()


class _Clock:
    """Stands in for `datetime` where the manifest says when a row was written."""

    def __init__(self, day: str) -> None:
        self._day = day

    def now(self, zone: Any) -> _Clock:
        return self

    def isoformat(self, timespec: str) -> str:
        return self._day
