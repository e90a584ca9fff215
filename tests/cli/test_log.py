"""`validate`, `show` and the corrections, through the real command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ended, assert_one_line
from tests.tracklog.logs import cut_short, made_log
from vidtrack import TrackLog

Command = Callable[..., Ended]
BOX = (10.25, 20.5, 30.75, 60.0)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return made_log(tmp_path / "clip.tracks.jsonl", [{1: BOX}, {1: BOX, 2: BOX}, {2: BOX}, {}, {4: BOX}], {2: 1})


def test_validate_says_which_logs_are_not_valid(vidtrack: Command, log: Path, tmp_path: Path) -> None:
    assert vidtrack("validate", log) == (0, f"{log}: valid, 5 frames, 3 tracks, complete\n", "")
    other = tmp_path / "other.jsonl"
    other.write_text(log.read_text("utf-8").replace('"frames":5', '"frames":6'), "utf-8")
    ended = vidtrack("validate", log, other)
    assert ended.code == 1
    assert f"{other}:12: the footer counts 6 frames, the log has 5" in ended.out
    cut_short(log)
    assert vidtrack("validate", log).code == 1
    ended = vidtrack("validate", tmp_path / "missing.jsonl", other)
    assert ended.code == 3
    assert "missing.jsonl cannot be read" in ended.err
    assert "not valid" in ended.out


def test_corrections_write_beside_the_log_and_then_in_place(vidtrack: Command, log: Path, tmp_path: Path) -> None:
    before, edited = log.read_bytes(), tmp_path / "clip.edited.tracks.jsonl"
    assert vidtrack("merge", log, 2, 4) == (0, f"{edited}\n", "")
    assert vidtrack("relabel", edited, "1", "--class", "truck", "--in-place").code == 0
    assert vidtrack("split", edited, 2, "--at", "0:0.1", "--in-place").code == 0
    assert vidtrack("drop", edited, "5", "--in-place").code == 0
    result = TrackLog.load(edited)
    assert [frame.ids.tolist() for frame in result] == [[1], [1, 2], [2], [], []]
    assert [edit.operation for edit in result.header.edits] == ["merge", "relabel", "split", "drop"]
    assert log.read_bytes() == before
    assert vidtrack("validate", edited).code == 0
    assert "edits: merge 2,4, relabel 1, split 2, drop 5" in vidtrack("show", edited).out
    assert not list(tmp_path.glob("*.partial"))


def test_nothing_is_replaced_unasked(vidtrack: Command, log: Path, tmp_path: Path) -> None:
    edited = tmp_path / "clip.edited.tracks.jsonl"
    edited.write_text("precious")
    second = tmp_path / "clip.edited-2.tracks.jsonl"
    assert vidtrack("drop", log, 1) == (0, f"{second}\n", "")
    assert vidtrack("drop", second, 2).out == f"{tmp_path / 'clip.edited-3.tracks.jsonl'}\n"
    assert_one_line(vidtrack("drop", log, 1, "-o", edited), 2, "already exists", "--overwrite")
    assert_one_line(vidtrack("drop", log, 1, "-o", log), 2, "is the input log", "--in-place")
    assert_one_line(vidtrack("drop", log, 1, "-o", tmp_path / "x.txt"), 2, "is not a track log name")
    assert_one_line(vidtrack("drop", log, 1, "-o", tmp_path / "no" / "x.jsonl"), 1, "cannot be written")
    assert edited.read_text() == "precious"
    assert vidtrack("drop", log, 1, "--overwrite").code == 0
    assert vidtrack("show", edited).code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["merge", "LOG", "1", "2"], "tracks 1 and 2 overlap in frame 1"),
        (["merge", "LOG", "1", "9"], "no track 9"),
        (["split", "LOG", "1", "--at", "3"], "cannot be split at 3 s"),
        (["split", "LOG", "1,2", "--at", "3"], "takes one track"),
        (["relabel", "LOG", "1", "--class", "lorry"], "no class 'lorry'"),
        (["drop", "LOG", "7"], "it has 1, 2, 4"),
        (["show", "LOG", "--classes", "lorry"], "no class 'lorry'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    vidtrack: Command, log: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    assert_one_line(vidtrack(*(str(log) if word == "LOG" else word for word in arguments)), 2, said)
    assert list(tmp_path.iterdir()) == [log]


def test_a_newer_log_is_not_touched(vidtrack: Command, log: Path) -> None:
    log.write_text(log.read_text("utf-8").replace("track-log/1", "track-log/2"), "utf-8")
    for command in (["show"], ["validate"], ["drop"]):
        assert_one_line(vidtrack(*command, log, *(["1"] if command == ["drop"] else [])), 3, "version 2", "upgrade")


@pytest.mark.parametrize("key", ["start_seconds", "end_seconds", "lines", "zones"])
@pytest.mark.parametrize("value", ["x", -1, [5], 1e300])
def test_choices_of_a_run_that_cannot_have_been(vidtrack: Command, log: Path, key: str, value: object) -> None:
    header, *rest = log.read_text("utf-8").splitlines(keepends=True)
    changed = json.loads(header)
    changed["run"]["parameters"][key] = value
    log.write_text(json.dumps(changed) + "\n" + "".join(rest), "utf-8")
    for command in ("show", "count", "render"):
        assert_one_line(vidtrack(command, log), 3, f"run/parameters/{key}")


def test_names_that_are_no_text_are_shown(vidtrack: Command, log: Path) -> None:
    text = log.read_text("utf-8").replace('"path":"clip.mp4"', '"path":"a\\udcff\\nb.mp4"')
    log.write_text(text.replace('"person"', '"per\\nson"'), "utf-8")
    lines = vidtrack("show", log).out.splitlines()
    assert lines[1].startswith("clip a b.mp4, 640x272")
    assert lines[-3].split()[:3] == ["1", "per", "son"]
    command = [sys.executable, "-m", "vidtrack", "show", "--json", str(log)]
    shown = subprocess.run(command, capture_output=True, env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"})
    assert (shown.returncode, shown.stderr) == (0, b"")
    assert b'"source": "a\xff\\nb.mp4"' in shown.stdout
