"""Reading a log, whole or damaged."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.tracklog.written import SEEN, header, tracks, without_footer, write
from vidtrack.core.errors import LogError
from vidtrack.tracklog import SUFFIXES, LogWriter, TrackLog


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_log_that_is_cut_off_is_read_up_to_its_end(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"clip{suffix}")
    whole = TrackLog.load(path)
    if suffix.endswith(".gz"):
        text = gzip.decompress(path.read_bytes())
        path.write_bytes(gzip.compress(text, mtime=0)[:-8])  # the check sum is missing, so all lines are there
        log = TrackLog.load(path)
        assert len(log) == len(whole)
        assert log.problem or log.status == "complete"
        return
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b'"i":10') + 3])
    log = TrackLog.load(path)
    assert log.status == "incomplete"
    assert log.footer is None
    assert "ends in the middle of line" in log.problem
    assert log.frame_indices.tolist() == [4, 6, 8]
    np.testing.assert_array_equal(log.boxes_xyxy, whole.boxes_xyxy[:3])


def test_a_compressed_log_whose_end_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "clip.jsonl.gz"
    rng = np.random.default_rng(0)
    with LogWriter(path, header()) as writer:
        for index in range(300):
            writer.frame(tracks(index, (1, 0, float(rng.random()), tuple(np.sort(rng.random(4)) * 100), SEEN)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    log = TrackLog.load(path)
    assert 50 < len(log) < 300
    assert log.status == "incomplete"
    assert log.problem


def test_without_a_footer_the_log_says_so(tmp_path: Path) -> None:
    log = TrackLog.load(without_footer(write(tmp_path / "clip.jsonl")))
    assert log.status == "incomplete"
    assert "no footer" in log.problem
    assert len(log) == 4


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
