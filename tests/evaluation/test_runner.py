"""Results found, read, checked and scored against ground truth."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.evaluation.cases import HALF, log, sequence, still, written
from vidtrack.evaluation.ignoring import Rules
from vidtrack.evaluation.pairs import Choices
from vidtrack.evaluation.runner import evaluate


def test_one_sequence_and_one_file(tmp_path: Path) -> None:
    found = evaluate(sequence(tmp_path, "A"), written(tmp_path / "result.txt", HALF))
    assert list(found.rows) == ["A"] and found.combined is None
    assert found.rows["A"].true_positives == 3 and found.rows["A"].false_negatives == 2


@pytest.mark.parametrize("suffix", [".tracks.jsonl", ".jsonl.gz", ".json"])
def test_a_track_log_counts_its_frames_and_pixels_from_zero(tmp_path: Path, suffix: str) -> None:
    log(tmp_path / f"A{suffix}")
    scores = evaluate(sequence(tmp_path / "truth", "A"), tmp_path).rows["A"]
    assert (scores.true_positives, scores.false_positives) == (5, 0)  # the other class does not count
    assert scores.loca == pytest.approx(1)


def test_a_log_may_be_the_truth(tmp_path: Path) -> None:
    log(tmp_path / "truth.jsonl", frames=range(0, 6, 2))
    written(tmp_path / "A.txt", still(1, range(1, 6)))
    scores = evaluate(tmp_path / "truth.jsonl", tmp_path / "A.txt").rows["truth"]
    assert (scores.true_positives, scores.false_positives, scores.frames) == (3, 0, 3)  # it says nothing of the others


def test_the_rules_that_were_applied_are_told(tmp_path: Path) -> None:
    rows = still(1, range(1, 6)) + "1,2,40,0,9,9,0,-1,-1,-1\n"
    truth, result = sequence(tmp_path, "A", rows), written(tmp_path / "a.txt", HALF + "1,9,40,0,9,9,1\n")
    forgiven = evaluate(truth, result).sequences[0]
    assert (forgiven.rules, forgiven.scores.false_positives) == (Rules.IGNORE, 0)
    strict = evaluate(truth, result, Choices(rules=Rules.MOT15)).sequences[0]
    assert (strict.rules, strict.scores.false_positives) == (Rules.MOT15, 1)


def test_one_empty_result_among_others_is_noted(tmp_path: Path) -> None:
    for name, text in (("A", HALF), ("B", "")):
        sequence(tmp_path / "truth", name)
        written(tmp_path / f"{name}.txt", text)
    first, second = evaluate(tmp_path / "truth", tmp_path).sequences
    assert first.notes == () and "B.txt has no boxes" in second.notes[0]
    assert second.scores.false_negatives == 5
