"""Reading an invalid log says what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tracklog.logs import made_log
from tests.tracklog.written import write
from vidtrack.core.errors import LogError
from vidtrack.tracklog import TrackLog

BOX = (10.25, 20.5, 30.75, 60.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return made_log(tmp_path / "clip.tracks.jsonl", [{1: BOX}, {1: BOX, 2: BOX}, {2: BOX}], {2: 1})


def test_more_events_than_any_run_has_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vidtrack.tracklog.loading.MOST_RECORDS", 1)
    with pytest.raises(LogError, match="holds more than 1 event lines"):
        TrackLog.load(path)


def damage_version(text: str) -> str:
    return text.replace("track-log/1", "track-log/2")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (damage_version, "version 2; this release reads version 1"),
        (lambda text: text.replace('"type":"header"', '"type":"heading"'), "not a track log"),
        (lambda text: text.replace('"i":6', '"i":}'), "is not JSON"),
        (lambda text: text.replace('"objs"', '"objects"', 1), "KeyError 'objs'"),
        (lambda text: text.replace('"cls":1', '"cls":"one"', 1), "line 3"),
        (lambda text: text.replace('"detected"', '"guessed"', 1), "KeyError 'guessed'"),
        (lambda text: text.replace('"time_base":[1001,30000]', '"time_base":[1,0]'), "source/time_base"),
        (lambda text: "[" * 100_000 + "\n" + text, "is not JSON"),
        (lambda text: text.replace('"status"', '"state"'), '"status" is a required property'),
        (
            lambda text: text.replace('"size":[360,640]', '"size":[0,640]'),
            "invalid track log header: source/size/0",
        ),
        (lambda text: text.replace('"average_rate":[30000,1001]', '"average_rate":[0,0]'), "source/average_rate"),
        (lambda text: text.replace('"duration":[3,2],', ""), "duration"),
        (lambda text: text.replace('"i":6', '"i":4'), "the number of frame 4 does not rise"),
        (lambda text: text.replace('"pts":16,"t"', '"pts":2,"t"'), "the pts of frame 8 does not rise"),
        (lambda text: text.replace('"i":4', '"i":-1'), "frames count from 0"),
        (lambda text: text.replace('"id":2', '"id":1', 1), "track 1 in frame 6 is listed twice"),
        (lambda text: text.replace('"id":1', '"id":0', 1), "track 0 in frame 6 has an id outside"),
        (
            lambda text: text.replace('"cls":1', '"cls":2', 1),
            "track 2 in frame 6 has a class that the log does not name",
        ),
        (lambda text: text.replace('"cls":1', '"cls":-1', 1), "track 2 in frame 6 has a class"),
        (lambda text: text.replace('"score":0.75', '"score":NaN'), "track 2 in frame 6 has a score"),
        (lambda text: text.replace("[1.0,2.01,30.5,40.25]", "[1.0,2.01,30.5,Infinity]"), "has an impossible box"),
        (lambda text: text.replace("[1.0,2.01,30.5,40.25]", "[40.0,2.01,30.5,40.25]"), "has an impossible box"),
        (lambda text: text.replace('{"type":"event"', 'null\n{"type":"event"'), "line 4 of"),
        (lambda text: text.replace('"kind":"decode",', ""), "line 4 of"),
        (lambda text: text.replace('"kind":"decode","i":8', '"kind":"decode","i":"8"'), "line 4 of"),
        (lambda text: "", "is empty"),
        (lambda text: "hello", "not a track log, or is cut off"),
    ],
)
def test_what_is_no_log_of_ours_is_named(tmp_path: Path, change: Callable[[str], str], said: str) -> None:
    path = write(tmp_path / "clip.jsonl")
    path.write_text(change(path.read_text("utf-8")), "utf-8")
    with pytest.raises(LogError) as caught:
        TrackLog.load(path)
    assert said in str(caught.value)
    assert "clip.jsonl" in str(caught.value)


def test_missing_and_binary_files_are_log_errors(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="No such file"):
        TrackLog.load(tmp_path / "absent.jsonl")
    (tmp_path / "binary.jsonl").write_bytes(bytes(range(256)) * 10)
    with pytest.raises(LogError):
        TrackLog.load(tmp_path / "binary.jsonl")
    (tmp_path / "plain.jsonl.gz").write_bytes(b"not gzip")
    with pytest.raises(LogError, match="cannot be read"):
        TrackLog.load(tmp_path / "plain.jsonl.gz")


def test_unknown_keys_and_lines_are_ignored(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.jsonl")
    lines = path.read_text("utf-8").splitlines()
    lines.insert(1, '{"type":"weather","rain":true}')
    lines[2] = lines[2].replace('"pts"', '"mood":"good","pts"')
    path.write_text("\n".join(lines), "utf-8")
    assert len(TrackLog.load(path)) == 4
