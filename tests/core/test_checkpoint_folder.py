from __future__ import annotations

from pathlib import Path

import pytest

from vidtrack.core.checkpoint_folder import CheckpointFolder
from vidtrack.core.errors import OutputError
from vidtrack.core.journal import Journal, holds


def test_a_journal_returns_to_a_mark(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.append(b"one", b" two")
        mark = journal.mark()
        journal.append(b" lost")
    assert holds(tmp_path / "j", mark)
    with Journal(tmp_path / "j", mark) as journal:
        with journal.reread() as stream:
            assert stream.read() == b"one two"
        journal.append(b" three")
        journal.mark()
    assert (tmp_path / "j").read_bytes() == b"one two three"


@pytest.mark.parametrize("content", [b"", b"one tw", b"one twO", None])
def test_a_journal_that_changed_is_told(content: bytes | None, tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.append(b"one two")
        mark = journal.mark()
    (tmp_path / "j").unlink()
    if content is not None:
        (tmp_path / "j").write_bytes(content)
    assert not holds(tmp_path / "j", mark)


def test_a_journal_in_no_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written: No such file"):
        Journal(tmp_path / "none" / "j")


def work(tmp_path: Path, states: int) -> CheckpointFolder:
    folder = CheckpointFolder(tmp_path / "out.mp4")
    folder.create()
    journal = folder.journal("log")
    for number in range(states):
        journal.append(b"chunk %d\n" % number)
        folder.save({"what": 1}, {"chunk": number})
    return folder


def test_the_last_state_is_found_and_only_two_are_kept(tmp_path: Path) -> None:
    work(tmp_path, 4).close()
    folder = CheckpointFolder(tmp_path / "out.mp4")
    assert folder.load({"what": 1}) == {"chunk": 3}
    assert {path.name for path in folder.path.iterdir()} == {"log.journal", "state-000003", "state-000004"}
    with folder.journal("log").reread() as stream:
        assert stream.read().splitlines()[-1] == b"chunk 3"
    folder.save({"what": 1}, {"chunk": 9})
    assert (folder.path / "state-000005").exists()
    folder.close()


def test_a_folder_without_a_state_is_of_no_use(tmp_path: Path) -> None:
    folder = work(tmp_path, 0)
    assert CheckpointFolder(tmp_path / "out.mp4").load({"what": 1}) is None
    folder.close()
    assert not folder.exists


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    folder = work(tmp_path, 2)
    (folder.path / "notes.txt").write_text("mine")
    folder.remove()
    assert [path.name for path in folder.path.iterdir()] == ["notes.txt"]
    with pytest.raises(OutputError, match="cannot be created: File exists"):
        folder.create()


def test_a_file_in_its_place_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out.mp4.resume").write_text("mine")
    folder = CheckpointFolder(tmp_path / "out.mp4")
    assert folder.load({}) is None
    with pytest.raises(OutputError, match="cannot be created"):
        folder.create()
    assert (tmp_path / "out.mp4.resume").read_text() == "mine"
