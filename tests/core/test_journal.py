"""A journal keeps what was marked, whatever happens after."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidtrack.core.errors import OutputError
from vidtrack.core.journal import Journal, Mark, holds


def test_opening_at_a_mark_drops_what_came_after(tmp_path: Path) -> None:
    path = tmp_path / "log.journal"
    with Journal(path) as journal:
        journal.append(b"first ", b"second ")
        mark = journal.mark()
        journal.append(b"lost")
    assert holds(path, mark)
    with Journal(path, mark) as journal:
        journal.append(b"third")
        with journal.reread() as records:
            assert records.read() == b"first second third"
        later = journal.mark()
    assert holds(path, mark) and holds(path, later)
    assert path.read_bytes() == b"first second third"


def test_damage_and_loss_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "log.journal"
    with Journal(path) as journal:
        journal.append(b"a" * 3_000_000)
        mark = journal.mark()
    data = path.read_bytes()
    path.write_bytes(data[:2_000_000] + b"b" + data[2_000_001:])
    assert not holds(path, mark)
    path.write_bytes(data[:-1])
    assert not holds(path, mark)
    path.unlink()
    assert not holds(path, mark)


def test_an_empty_mark_fits_every_journal(tmp_path: Path) -> None:
    (tmp_path / "log.journal").write_bytes(b"anything")
    assert holds(tmp_path / "log.journal", Mark(0, 0))


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"log\.journal cannot be written"):
        Journal(tmp_path / "missing" / "log.journal")
