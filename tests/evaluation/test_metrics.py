"""Scores of small cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from vidtrack.datasets.mot import MotRows
from vidtrack.evaluation.metrics import align, combine, measure, score

HERE, THERE = [0.0, 0, 10, 10], [100.0, 0, 110, 10]


def rows(*entries: tuple[int, int, list[float]], scores: list[float] | None = None) -> MotRows:
    frames, ids, boxes = zip(*entries, strict=True) if entries else ((), (), ())
    n = len(entries)
    unordered = MotRows(
        np.array(frames, int),
        np.array(ids, int),
        np.array(boxes, float).reshape(n, 4),
        np.ones(n) if scores is None else np.array(scores),
        np.full((n, 3), -1.0),
    )
    return unordered[np.argsort(unordered.frames, kind="stable")]


def still(identity: int, frames: range, box: list[float] = HERE) -> list[tuple[int, int, list[float]]]:
    return [(frame, identity, box) for frame in frames]


def test_a_perfect_result():
    truth = rows(*still(1, range(1, 5)))
    perfect = score(align(truth, rows(*still(9, range(1, 5)))))
    assert (perfect.hota, perfect.mota, perfect.idf1, perfect.switches) == (pytest.approx(1), 1, 1, 0)
    assert (perfect.mostly_tracked, perfect.mostly_lost, perfect.frames) == (1, 0, 4)


def test_one_switch_in_the_middle():
    truth = rows(*still(1, range(1, 11)))
    found = score(align(truth, rows(*still(5, range(1, 6)), *still(6, range(6, 11)))))
    assert found.switches == 1
    assert found.mota == pytest.approx(0.9)
    assert found.idf1 == pytest.approx(0.5)
    assert found.assa == pytest.approx(0.5)  # each half: 5 / (10 + 5 - 5)
    assert found.hota == pytest.approx(np.sqrt(0.5))


def test_misses_and_false_boxes():
    truth = rows(*still(1, range(1, 11)))
    found = score(align(truth, rows(*still(5, range(1, 8)), *still(6, range(1, 4), THERE))))
    assert (found.true_positives, found.false_negatives, found.false_positives) == (7, 3, 3)
    assert found.mota == pytest.approx(0.4)
    assert found.deta == pytest.approx(7 / 13)


def test_ignored_rows_count_neither_way():
    truth = rows(*still(1, range(1, 5)), *still(2, range(1, 5), THERE), scores=[1] * 4 + [0] * 4)
    covering = score(align(truth, rows(*still(7, range(1, 5)), *still(8, range(1, 5), THERE))))
    silent = score(align(truth, rows(*still(7, range(1, 5)))))
    assert covering == silent
    assert covering.mota == 1


def test_the_end_of_a_sequence_is_its_length_not_its_last_box():
    truth = rows(*still(1, range(1, 3)))
    assert score(align(truth, rows(), frames=10)).frames == 10
    assert score(align(truth, rows(), frames=10)).mostly_lost == 1


def test_combined_sequences_keep_their_ids_apart():
    part = align(rows(*still(1, range(1, 5))), rows(*still(1, range(1, 5))))
    other = align(rows(*still(1, range(1, 5), THERE)), rows(*still(1, range(1, 5), THERE)))
    combined = combine([measure(part), measure(other)]).scores
    assert (combined.switches, combined.mostly_tracked, combined.truth_tracks, combined.frames) == (0, 2, 2, 8)
    assert combined.hota == pytest.approx(1)
