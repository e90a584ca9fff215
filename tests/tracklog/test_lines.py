"""The lines of a log: its first and last, and limits of what is read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.tracklog.written import header, without_footer, write
from vidtrack.core.errors import LogError
from vidtrack.tracklog import SUFFIXES, TrackLog, read_ends


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_ends_can_be_read_alone(tmp_path: Path, suffix: str) -> None:
    start, footer = read_ends(write(tmp_path / f"clip{suffix}"))
    assert start.source.rotation == 90
    assert footer is not None
    assert footer.status == "complete"
    if not suffix.endswith(".gz"):
        assert read_ends(without_footer(tmp_path / f"clip{suffix}"))[1] is None


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"type":"header","schema":"vidtrack.track-log/1","source":{"time_base":[1,0]}}']
)
def test_the_ends_of_a_foreign_file_are_log_errors(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.jsonl").write_text(text + "\n")
    with pytest.raises(LogError, match=r"is not a track log|invalid track log header|is not JSON"):
        read_ends(tmp_path / "x.jsonl")


def test_a_null_in_an_array_is_damage_and_no_end(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.json")
    path.write_text(path.read_text("utf-8").replace('{"type":"event"', 'null,{"type":"event"'), "utf-8")
    with pytest.raises(LogError, match=r"member 4 of .* is null"):
        TrackLog.load(path)


@pytest.mark.parametrize("suffix", [".jsonl.gz", ".json.gz"])
def test_a_log_that_unpacks_to_far_more_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr("vidtrack.tracklog.lines.LEAST_UNPACKED", 1 << 20)
    path = tmp_path / f"bomb{suffix}"
    path.write_bytes(gzip.compress((json.dumps(header().to_dict()) + "\n").encode() + (b" " * 999 + b"\n") * 20_000))
    for read in (TrackLog.load, read_ends):
        with pytest.raises(LogError, match="unpacks to more than 200 times its size"):
            read(path)


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vidtrack.tracklog.lines.LONGEST_LINE", 1 << 16)
    path = tmp_path / "long.jsonl"
    path.write_text(json.dumps(header().to_dict()) + "\n" + "x" * (1 << 17))
    with pytest.raises(LogError, match=r"line 2 of .*long\.jsonl is too long"):
        TrackLog.load(path)
