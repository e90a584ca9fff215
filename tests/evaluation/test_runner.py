"""Result files found, read and scored against ground truth."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tracklog.test_tracklog import header, tracks
from vidtrack.errors import DataError
from vidtrack.evaluation.runner import evaluate
from vidtrack.tracklog import LogWriter
from vidtrack.types import ObjectState

GT = "".join(f"{frame},1,10,10,20,40,1,-1,-1,-1\n" for frame in range(1, 6))
HALF = "".join(f"{frame},4,10,10,20,40,1,-1,-1,-1\n" for frame in range(1, 4))


def sequence(folder: Path, name: str) -> Path:
    (folder / name / "gt").mkdir(parents=True)
    (folder / name / "gt/gt.txt").write_text(GT)
    (folder / name / "seqinfo.ini").write_text(
        f"[Sequence]\nname={name}\nframeRate=5\nseqLength=5\nimWidth=64\nimHeight=64\n"
    )
    return folder / name


def test_one_sequence_and_one_file(tmp_path):
    (tmp_path / "result.txt").write_text(HALF)
    scores = evaluate(sequence(tmp_path, "A"), tmp_path / "result.txt")
    assert list(scores) == ["A"]
    assert scores["A"].true_positives == 3 and scores["A"].false_negatives == 2


def test_a_benchmark_folder_is_scored_apart_and_together(tmp_path):
    for name, text in (("A", GT), ("B", HALF)):
        sequence(tmp_path / "truth", name)
        (tmp_path / f"{name}.txt").write_text(text)
    scores = evaluate(tmp_path / "truth", tmp_path)
    assert list(scores) == ["A", "B", "combined"]
    assert scores["A"].mota == 1 and scores["combined"].mota == pytest.approx(0.8)


def test_what_is_missing_is_named(tmp_path):
    truth = sequence(tmp_path, "A")
    (tmp_path / "results").mkdir()
    with pytest.raises(DataError, match="need one result for A"):
        evaluate(truth, tmp_path / "results")
    with pytest.raises(DataError, match="no ground truth"):
        evaluate(tmp_path / "results", tmp_path / "results")


def test_a_track_log_counts_its_frames_from_zero_and_one_class_only(tmp_path):
    with LogWriter(tmp_path / "A.jsonl", header()) as log:
        for index in range(5):
            box = (10.0, 10.0, 30.0, 50.0)
            log.frame(tracks(index, (1, 0, 0.9, box, ObjectState.DETECTED), (2, 1, 0.9, box, ObjectState.DETECTED)))
        log.close("complete")
    names = header()["model"]["classes"]
    scores = evaluate(sequence(tmp_path / "truth", "A"), tmp_path, names[0])
    assert (scores["A"].true_positives, scores["A"].false_positives) == (5, 0)
    with pytest.raises(DataError, match="knows no class 'dragon'"):
        evaluate(tmp_path / "truth", tmp_path, "dragon")
