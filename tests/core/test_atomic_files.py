"""A file is there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vidtrack.core.atomic_files import check_writable, write_whole
from vidtrack.core.errors import OutputError


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
