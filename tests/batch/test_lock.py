from __future__ import annotations

import os
from pathlib import Path

import pytest

from vidtrack.batch.lock import locked
from vidtrack.batch.manifest import FOLDER
from vidtrack.core.errors import OutputError, UsageError


def test_a_second_batch_is_told_who_is_at_work_and_may_start_when_that_one_ends(tmp_path: Path) -> None:
    with locked(tmp_path / "out"):
        with pytest.raises(UsageError, match=rf"another batch is running in .*out: process {os.getpid()} on .* since"):
            with locked(tmp_path / "out"):
                pass
        with locked(tmp_path / "other"):
            pass
    with locked(tmp_path / "out"):
        pass
    assert not (tmp_path / "out" / FOLDER / "holder").exists()


def test_words_of_a_holder_command_no_terminal(tmp_path: Path) -> None:
    with locked(tmp_path):
        (tmp_path / FOLDER / "holder").write_text("\x1b[2J")
        with pytest.raises(UsageError, match=r"another batch is running in \S+ \(wait for it") as caught:
            with locked(tmp_path):
                pass
    assert "\x1b" not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"), locked(tmp_path / "file"):
        pass
