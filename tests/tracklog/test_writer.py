"""Writing a log."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.tracklog.written import FRAMES, SEEN, SUPPOSED, TIME_BASE, fill, header, tracks, write
from vidtrack.core.errors import OutputError, UsageError
from vidtrack.tracklog import SUFFIXES, LogWriter, TrackLog


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_was_written_comes_back_as_arrays(tmp_path: Path, suffix: str) -> None:
    log = TrackLog.load(write(tmp_path / f"clip{suffix}"))
    assert log.status == "complete"
    assert log.problem == ""
    assert log.frame_indices.tolist() == [4, 6, 8, 10]
    assert log.frame_pts.tolist() == [8, 12, 16, 20]
    np.testing.assert_allclose(log.frame_seconds, [p * 1001 / 30000 for p in (8, 12, 16, 20)], rtol=1e-15)
    assert log.offsets.tolist() == [0, 0, 2, 3, 5]
    assert log.ids.tolist() == [1, 2, 2, 1, 2]
    assert log.states.tolist() == [SUPPOSED, SEEN, SEEN, SEEN, SEEN]
    assert log.frame_rows.tolist() == [1, 1, 2, 3, 3]
    np.testing.assert_array_equal(log.boxes_xyxy[1], np.array([1.0, 2.01, 30.5, 40.25], np.float32))
    assert log.class_names == ["person", "café"]
    assert log.time_base == TIME_BASE
    assert [event.message for event in log.events] == ["a packet cannot be decoded"]
    again = list(log)
    assert [len(frame) for frame in again] == [0, 2, 1, 2]
    assert again[-1].seconds == 20 * TIME_BASE
    assert log[-1].ids.tolist() == [1, 2]


def test_numbers_are_rounded_and_never_minus_zero(tmp_path: Path) -> None:
    line = json.loads(write(tmp_path / "clip.jsonl").read_text().splitlines()[2])
    assert line["t"] == 0.4004
    assert line["objs"][0]["score"] == 0.3333
    assert line["objs"][0]["box"] == [0.0, 5.0, 20.0, 25.0]
    assert "-0.0" not in json.dumps(line)


def test_equal_runs_give_equal_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for suffix in SUFFIXES:
        (tmp_path / "a").mkdir(exist_ok=True)
        (tmp_path / "b").mkdir(exist_ok=True)
        one, two = (write(tmp_path / folder / f"clip{suffix}").read_bytes() for folder in "ab")
        assert one == two
    assert '"created":"2023-11-14T22:13:20Z"' in (tmp_path / "a/clip.jsonl").read_text()


def test_the_name_appears_only_when_all_is_written(tmp_path: Path) -> None:
    path, partial = tmp_path / "clip.jsonl", tmp_path / "clip.jsonl.partial"
    with LogWriter(path, header()) as writer:
        fill(writer)
        assert not path.exists()
        assert len(partial.read_text().splitlines()) == 6  # each line is there as soon as it is written
    assert TrackLog.load(path).status == "complete"
    assert not partial.exists()


def test_an_error_keeps_what_was_done_and_marks_it(tmp_path: Path) -> None:
    path = tmp_path / "clip.jsonl"
    with pytest.raises(RuntimeError), LogWriter(path, header()) as writer:
        writer.frame(FRAMES[1])
        raise RuntimeError("the moon fell down")
    log = TrackLog.load(path)
    assert log.status == "failed"
    assert log.events[0].message == "the moon fell down"
    assert len(log) == 1


def test_an_error_before_the_first_frame_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), LogWriter(tmp_path / "clip.jsonl", header()):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_bad_targets_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no track log extension"):
        LogWriter(tmp_path / "clip.txt", header())
    with pytest.raises(OutputError, match="cannot be written"):
        LogWriter(tmp_path / "absent" / "clip.jsonl", header())


def test_numbers_that_json_lacks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Out of range"), LogWriter(tmp_path / "clip.jsonl", header()) as writer:
        writer.frame(tracks(0, (1, 0, float("nan"), (0, 0, 1, 1), SEEN)))
