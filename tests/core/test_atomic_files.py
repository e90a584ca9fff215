"""A file is there whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vidtrack.core import atomic_files
from vidtrack.core.atomic_files import AtomicFile, check_writable, partial_folder, write_whole
from vidtrack.core.errors import OutputError

ROOT = Path(__file__).parents[2]


def test_text_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    for text in ("before", "caf\u00e9 \udcff"):  # bytes of a file name may be no UTF-8
        write_whole(tmp_path / "new" / "a.json", text)
    assert (tmp_path / "new/a.json").read_bytes() == b"caf\xc3\xa9 \\udcff"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.json"]


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "a.json.partial").symlink_to(tmp_path / "precious")
    write_whole(tmp_path / "a.json", "{}")
    assert (tmp_path / "precious").read_text() == "mine"


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "folder", tmp_path / "pipe", tmp_path / "file" / "a.json"):
        with pytest.raises(OutputError, match=f"{place} cannot be written"):
            write_whole(place, "{}")
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "file", "pipe"}


def test_whether_a_file_can_be_written_is_known_beforehand(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        check_writable(tmp_path / "file" / "new" / "a.json")
    check_writable(tmp_path / "new" / "a.json")
    assert {path.name for path in tmp_path.iterdir()} == {"file"}


def test_a_second_run_to_one_output_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    first = AtomicFile(path)
    first.partial.write_text("first")
    with pytest.raises(OutputError, match=r"another run is writing .*a\.jsonl"):
        AtomicFile(path)
    first.commit()
    second = AtomicFile(path)
    assert path.read_text() == "first" and second.partial.read_bytes() == b""
    second.discard()
    assert [found.name for found in tmp_path.iterdir()] == ["a.jsonl"]


def test_the_partial_file_of_a_killed_run_is_taken_over(tmp_path: Path) -> None:
    script = (
        "import os, signal; from pathlib import Path; from vidtrack.core.atomic_files import AtomicFile\n"
        "AtomicFile(Path('a.json')).partial.write_text('half')\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert (tmp_path / "a.json.partial").read_text() == "half"
    write_whole(tmp_path / "a.json", "{}")
    assert [found.name for found in tmp_path.iterdir()] == ["a.json"]


def test_the_other_name_of_a_partial_file_keeps_its_content(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    os.link(tmp_path / "precious", tmp_path / "a.json.partial")
    write_whole(tmp_path / "a.json", "{}")
    assert (tmp_path / "precious").read_text() == "mine"


def test_what_was_removed_during_a_run_is_named(tmp_path: Path) -> None:
    file = AtomicFile(tmp_path / "a.json")
    file.partial.unlink()
    with pytest.raises(OutputError, match="its partial file is gone"):
        file.commit()
    (tmp_path / "out").mkdir()
    file = AtomicFile(tmp_path / "out" / "a.json")
    (tmp_path / "out").rename(tmp_path / "moved")
    with pytest.raises(OutputError, match="its folder does not exist"):
        file.commit()


def test_a_folder_appears_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "shots"
    (tmp_path / "shots.partial").write_text("left by a run that was killed")
    with partial_folder(target) as partial:
        (partial / "a.txt").write_text("a")
        assert not target.exists()
        partial.replace(target)
    assert [path.name for path in tmp_path.iterdir()] == ["shots"] and (target / "a.txt").read_text() == "a"


def test_a_folder_that_cannot_take_its_name_is_removed(tmp_path: Path) -> None:
    target = tmp_path / "shots"
    target.write_text("a file")
    with pytest.raises(OutputError, match="shots cannot be written"), partial_folder(target) as partial:
        partial.replace(target)
    assert [path.name for path in tmp_path.iterdir()] == ["shots"]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are listed in /proc")
def test_no_file_is_renamed_or_removed_while_it_is_open_without_flock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(change: Callable[..., Any]) -> Callable[..., Any]:
        def as_on_windows(path: Path, *others: Path) -> Any:
            if str(path) in {os.path.realpath(one) for one in Path("/proc/self/fd").iterdir()}:
                raise PermissionError(13, "The process cannot access the file because it is being used", str(path))
            return change(path, *others)

        return as_on_windows

    monkeypatch.setattr(atomic_files, "fcntl", None)
    monkeypatch.setattr(os, "replace", closed(os.replace))
    monkeypatch.setattr(Path, "unlink", closed(Path.unlink))
    write_whole(tmp_path / "a.json", "{}")
    AtomicFile(tmp_path / "b.json").discard()
    with open(tmp_path / "kept.json", "w") as file:  # as another program may hold it
        refuse = os.replace
        monkeypatch.setattr(os, "replace", lambda partial, path: refuse(path, partial))
        with pytest.raises(OutputError, match="being used"):
            write_whole(Path(file.name), "{}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "kept.json"]
