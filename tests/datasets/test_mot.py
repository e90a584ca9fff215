"""The MOT format and its errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vidtrack.core.errors import DataError
from vidtrack.datasets.mot import MotRows, read_ground_truth, read_labels, read_rows, read_sequence_info


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


def test_by_frame_keeps_empty_frames():
    rows = MotRows(np.array([2, 2, 4]), np.array([1, 2, 1]), np.zeros((3, 4)), np.ones(3), np.zeros((3, 3)))
    assert [one.ids.tolist() for one in rows.by_frame(5)] == [[], [1, 2], [], [1], []]


@pytest.mark.parametrize(
    ("text", "message"), [("1,2,3\n", "line 1: 3 values"), ("1,1,0,0,5,5\n1,1,a,0,5,5\n", "line 2: not numbers")]
)
def test_bad_rows_are_named(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read_rows(written(tmp_path / "a.txt", text))


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.txt"):
        read_rows(tmp_path / "gone.txt")
    with pytest.raises(DataError, match=r"seqinfo\.ini"):
        read_sequence_info(tmp_path / "seqinfo.ini")


def test_sequence_information(tmp_path: Path) -> None:
    text = "[Sequence]\nname=100%\nframeRate=7\nseqLength=795\nimWidth=768\nimHeight=576\nimExt=.JPG\n"
    info = read_sequence_info(written(tmp_path / "seqinfo.ini", "\ufeff" + text))
    assert (info.name, info.frames, info.frames_per_second, info.size) == ("100%", 795, 7.0, (768, 576))
    assert (info.image_folder, info.image_suffix) == ("img1", ".JPG")


def test_sequence_information_may_be_short(tmp_path: Path) -> None:
    """TrackEval needs no more than a length, and some tools write no more."""
    info = read_sequence_info(written(tmp_path / "seqinfo.ini", "[Sequence]\nseqLength=5\n"))
    assert (info.name, info.frames, info.frames_per_second, info.size) == (tmp_path.name, 5, None, None)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("seqLength=many", "has seqLength many"),
        ("seqLength=0", "has seqLength 0"),
        ("frameRate=nan", "has frameRate nan"),
        ("imWidth=1e9", "has imWidth 1e9"),
        ("imWidth=9999999", "has imWidth 9999999"),
    ],
)
def test_sequence_information_that_cannot_be(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_sequence_info(written(tmp_path / "seqinfo.ini", f"[Sequence]\n{line}\n"))


@pytest.mark.parametrize("score, counts", [(1, 1), (0, 0), (0.4, 0), (0.999, 0), (1.5, 1)])
def test_a_fraction_of_one_in_the_column_of_scores_does_not_count(tmp_path: Path, score: float, counts: int) -> None:
    """As in TrackEval 1.3.0, which takes the whole part."""
    truth = written(tmp_path / "gt.txt", f"1,7,10,20,5,6,{score},1,1\n")
    assert read_ground_truth(truth).scores.tolist() == [counts]


def test_labels_beside_the_ground_truth(tmp_path: Path) -> None:
    assert read_labels(tmp_path / "gt.txt") is None
    written(tmp_path / "labels.txt", "\ufeffcat \r\nperson\r\n\r\n")
    assert read_labels(tmp_path / "gt.txt") == ("cat", "person")
