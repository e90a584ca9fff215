from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from vidtrack.batch.manifest import DONE, INTERRUPTED, QUARANTINED, RUNNING, VERSION, Manifest, Row
from vidtrack.core.errors import OutputError


def test_rows_come_back(tmp_path: Path) -> None:
    odd = Path(os.fsdecode(b"sub/caf\xe9\n.mp4"))  # not UTF-8, and two lines
    row = Row(odd, 7, 8, "sha256:1", "p", "w", (("out/a.mp4", 9),), DONE, 1, "complete", 12, 3, 1.5, "odd \udce9", "")
    manifest = Manifest(tmp_path / "batch" / "manifest.sqlite")
    manifest.put([row])
    manifest.close()
    found = Manifest(tmp_path / "batch" / "manifest.sqlite").rows()[odd]
    assert (found.source, found.outputs, found.state, found.seconds) == (odd, row.outputs, DONE, 1.5)
    assert found.updated


def test_a_clip_that_was_running_when_the_batch_died_is_interrupted(tmp_path: Path) -> None:
    Manifest(tmp_path / "manifest.sqlite").put([Row(Path("a.mp4"), 1, 1, state=RUNNING, attempts=1)])
    manifest = Manifest(tmp_path / "manifest.sqlite")
    assert manifest.rows()[Path("a.mp4")].state == RUNNING
    manifest.recover()
    row = manifest.rows()[Path("a.mp4")]
    assert (row.state, row.attempts) == (INTERRUPTED, 0)


def test_a_manifest_of_version_1_is_read(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path / "manifest.sqlite")
    manifest.put([Row(Path("a.mp4"), 1, 1)])
    manifest.close()
    with sqlite3.connect(tmp_path / "manifest.sqlite") as db:
        db.execute("UPDATE clips SET state = 'aside'")
        db.execute("PRAGMA user_version = 1")
    assert Manifest(tmp_path / "manifest.sqlite").rows()[Path("a.mp4")].state == QUARANTINED


def test_rows_are_stored_all_or_none(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path / "manifest.sqlite")
    with pytest.raises(OutputError, match="NOT NULL"):
        manifest.put([Row(Path("a.mp4"), 1, 1), Row(Path("b.mp4"), 1, None)])  # type: ignore[arg-type]
    assert manifest.rows() == {}


def test_one_that_cannot_be_used(tmp_path: Path) -> None:
    newer, damaged, foreign = (tmp_path / name for name in ("newer", "damaged", "foreign"))
    Manifest(newer).close()
    with sqlite3.connect(newer) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    damaged.write_bytes(b"SQLite format 3\0" + os.urandom(4000))
    foreign.write_text("notes")
    for path, said in ((newer, "newer than"), (damaged, "cannot be used"), (foreign, "delete it to start over")):
        with pytest.raises(OutputError, match=said):
            Manifest(path)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        Manifest(tmp_path / "file" / "manifest.sqlite")


@pytest.mark.parametrize("change", ["outputs = 'nonsense'", "frames = 'many'", "state = 'asleep'", "seconds = ''"])
def test_a_row_that_nobody_wrote(change: str, tmp_path: Path) -> None:
    manifest = Manifest(tmp_path / "manifest.sqlite")
    manifest.put([Row(Path("a.mp4"), 1, 1)])
    with sqlite3.connect(manifest.path) as db:
        db.execute(f"UPDATE clips SET {change}")
    with pytest.raises(OutputError, match="is damaged"):
        manifest.rows()
