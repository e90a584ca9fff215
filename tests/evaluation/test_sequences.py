from __future__ import annotations

from pathlib import Path

import pytest

from tests.evaluation.cases import HALF, sequence, still, written
from vidtrack.evaluation.runner import evaluate


@pytest.mark.parametrize("place", ["{}.txt", "{}.mot.txt", "data/{}.txt"])
def test_a_benchmark_folder_is_scored_apart_and_together(tmp_path: Path, place: str) -> None:
    for name, text in (("A", still(1, range(1, 6))), ("B", HALF)):
        sequence(tmp_path / "truth", name)
        written(tmp_path / "results" / place.format(name), text)
    scores = evaluate(tmp_path / "truth", tmp_path / "results").rows
    assert list(scores) == ["A", "B", "combined"]
    assert scores["A"].mota == 1 and scores["combined"].mota == pytest.approx(0.8)
    assert scores["combined"].frames == 10
    assert list(evaluate(tmp_path / "truth", tmp_path / "results", sequences=["B"]).rows) == ["B"]


@pytest.mark.parametrize("layout", ["A/gt.txt", "A/gt/gt.txt", "A.txt"])
def test_ground_truth_is_found_however_it_lies(tmp_path: Path, layout: str) -> None:
    truth = written(tmp_path / "truth" / layout, still(1, range(1, 6)))
    result = written(tmp_path / "results/A.txt", HALF)
    for where in (truth, tmp_path / "truth"):
        assert list(evaluate(where, result.parent).rows) == ["A"]
