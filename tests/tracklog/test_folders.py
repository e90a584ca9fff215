from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tracklog.logs import made_log
from vidtrack.core.errors import InputError
from vidtrack.tracklog.folders import find_logs


def test_logs_are_found_by_name_by_pattern_and_below_folders_once_each(tmp_path: Path) -> None:
    (tmp_path / "day 1").mkdir()
    first, below = made_log(tmp_path / "a.tracks.jsonl", [{}]), made_log(tmp_path / "day 1" / "b.tracks.jsonl.gz", [{}])
    (tmp_path / "metrics.jsonl").write_text('{"loss": 1}\n')
    os.mkfifo(tmp_path / "pipe.jsonl")  # opening it would wait
    found = find_logs([str(tmp_path), str(first), str(tmp_path / "day 1" / "*.gz")])
    assert found == {first: Path(), below: Path("day 1")}
    assert find_logs([str(tmp_path / "day 1" / "*.gz")]) == {below: Path()}
    assert find_logs([str(tmp_path / "absent.jsonl")]) == {tmp_path / "absent.jsonl": Path()}  # reading it says so


@pytest.mark.parametrize("text", ["{}", "{}/*.tracks.jsonl"])
def test_a_folder_or_pattern_without_a_log_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"contains no track log \(logs end in .*\.jsonl"):
        find_logs([text.format(tmp_path)])
