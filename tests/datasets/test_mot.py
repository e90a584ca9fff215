"""The MOT format, read and written, and its errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vidtrack.core.errors import DataError
from vidtrack.datasets.mot import MotRows, read_rows, read_sequence, result_rows, write_rows
from vidtrack.tracking.state import TrackedBoxes


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_reads_rows_in_the_order_of_frames(tmp_path):
    rows = read_rows(written(tmp_path / "gt.txt", "2,7,10,20,30,40,1,-1,-1,-1\n\n1,8,0.5,0,2,2,0,4.1,5,0\n"))
    assert rows.frames.tolist() == [1, 2] and rows.ids.tolist() == [8, 7]
    np.testing.assert_allclose(rows.boxes_xyxy, [[0.5, 0, 2.5, 2], [10, 20, 40, 60]])
    assert rows.scores.tolist() == [0, 1]
    assert rows.extra[0].tolist() == [4.1, 5, 0]


def test_short_rows_and_spaces_are_understood(tmp_path):
    rows = read_rows(written(tmp_path / "a.txt", "1 3 113.84 274.5 57.307 130.05\n"))
    assert rows.scores.tolist() == [1.0] and rows.extra.tolist() == [[-1, -1, -1]]


@pytest.mark.parametrize("text", ["\ufeff1,7,10,20,5,6\n", "1, 7, 10, 20, 5, 6,\r\n", "1\t7\t10 20  5 6"])
def test_rows_as_other_programs_write_them(tmp_path, text):
    rows = read_rows(written(tmp_path / "a.txt", text))
    assert rows.ids.tolist() == [7] and rows.boxes_xyxy.tolist() == [[10, 20, 15, 26]]


def test_an_empty_file_has_no_rows(tmp_path):
    rows = read_rows(written(tmp_path / "a.txt", ""))
    assert len(rows) == 0 and rows.last_frame == 0
    assert [len(one) for one in rows.by_frame(3)] == [0, 0, 0]


def test_round_trip(tmp_path):
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 500, (20, 2)).round(2)
    boxes = np.concatenate([low, low + rng.uniform(1, 99, (20, 2)).round(2)], axis=1)
    rows = MotRows(
        np.sort(rng.integers(1, 9, 20)), rng.integers(1, 5, 20), boxes, rng.random(20).round(4), np.full((20, 3), -1.0)
    )
    write_rows(tmp_path / "a.txt", rows)
    back = read_rows(tmp_path / "a.txt")
    np.testing.assert_array_equal(back.frames, rows.frames)
    np.testing.assert_array_equal(back.ids, rows.ids)
    np.testing.assert_allclose(back.boxes_xyxy, rows.boxes_xyxy, atol=1e-9)
    np.testing.assert_allclose(back.scores, rows.scores)


def test_by_frame_keeps_empty_frames():
    rows = MotRows(np.array([2, 2, 4]), np.array([1, 2, 1]), np.zeros((3, 4)), np.ones(3), np.zeros((3, 3)))
    assert [one.ids.tolist() for one in rows.by_frame(5)] == [[], [1, 2], [], [1], []]


def test_result_rows_from_tracker_output():
    def tracked(*ids: int) -> TrackedBoxes:
        n = len(ids)
        return TrackedBoxes(np.array(ids, int), np.zeros(n, int), np.full(n, 0.5), np.ones((n, 4)), np.zeros(n, int))

    rows = result_rows([1, 2, 4], [tracked(1, 2), tracked(), tracked(2)])
    assert rows.frames.tolist() == [1, 1, 4] and rows.ids.tolist() == [1, 2, 2]
    assert len(result_rows([], [])) == len(result_rows([1], [tracked()])) == 0


@pytest.mark.parametrize(
    ("text", "message"), [("1,2,3\n", "line 1: 3 values"), ("1,1,0,0,5,5\n1,1,a,0,5,5\n", "line 2: not numbers")]
)
def test_bad_rows_are_named(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read_rows(written(tmp_path / "a.txt", text))


def test_missing_files_are_named(tmp_path):
    with pytest.raises(DataError, match=r"gone\.txt"):
        read_rows(tmp_path / "gone.txt")
    with pytest.raises(DataError, match=r"seqinfo\.ini"):
        read_sequence(tmp_path / "seqinfo.ini")


def test_sequence_information(tmp_path):
    text = "[Sequence]\nname=PETS\nframeRate=7\nseqLength=795\nimWidth=768\nimHeight=576\n"
    sequence = read_sequence(written(tmp_path / "seqinfo.ini", text))
    assert (sequence.name, sequence.frames, sequence.frames_per_second, sequence.size) == ("PETS", 795, 7.0, (768, 576))
    with pytest.raises(DataError, match="not a MOT seqinfo"):
        read_sequence(written(tmp_path / "other.ini", "[Sequence]\nname=x\nseqLength=many\n"))
