"""Which boxes count under each benchmark's rules."""

from __future__ import annotations

import numpy as np
import pytest

from vidtrack.datasets.mot import MotRows
from vidtrack.evaluation.ignoring import Rules, counted, rules_for

PERSON, CAR, STATIC, REFLECTION, VEHICLE = 1, 3, 7, 12, 6


def rows(*entries: tuple[float, int, float, int], classes: bool = True) -> MotRows:
    """Rows of one frame: (left, id, score, class), each box 10 by 10."""
    lefts, ids, scores, kinds = (np.array(column) for column in zip(*entries, strict=True))
    boxes = np.stack([lefts, np.zeros(len(entries)), lefts + 10, np.full(len(entries), 10)], axis=1).astype(float)
    extra = np.stack([kinds, np.full(len(entries), 0.5), np.full(len(entries), -1)], axis=1)
    extra = extra if classes else np.full((len(entries), 3), -1.0)
    return MotRows(np.ones(len(entries), int), ids, boxes, scores.astype(float), extra)


FOUND = rows((0, 1, 1, 1), (100, 2, 1, 1), (200, 3, 1, 1), (300, 4, 1, 1), (400, 5, 1, 1))
TRUE = rows((0, 1, 1, PERSON), (100, 2, 0, STATIC), (200, 3, 0, CAR), (300, 4, 0, VEHICLE), (400, 5, 0, PERSON))


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        (Rules.IGNORE, [1, 0, 0, 0, 0]),  # whatever is marked forgives
        (Rules.MOT15, [1, 1, 1, 1, 1]),  # nothing does
        (Rules.MOT17, [1, 0, 1, 1, 1]),  # only distractors do: not cars, nor marked people
        (Rules.MOT20, [1, 0, 1, 0, 1]),  # vehicles are among them
    ],
)
def test_results_on_ignored_objects(rules: Rules, kept: list[int]) -> None:
    counting, left = counted(TRUE, FOUND, rules)
    assert counting.tolist() == [True, False, False, False, False]
    assert left.tolist() == [bool(one) for one in kept]


def test_only_people_count_where_there_are_classes() -> None:
    true = rows((0, 1, 1, PERSON), (100, 2, 1, CAR))
    assert counted(true, FOUND, Rules.MOT17)[0].tolist() == [True, False]
    assert counted(true, FOUND, Rules.IGNORE)[0].tolist() == [True, True]


def test_a_box_goes_to_the_object_it_fits_best_not_to_the_ignored_one_beside_it() -> None:
    true = rows((0, 1, 1, PERSON), (2, 2, 0, REFLECTION))
    assert counted(true, rows((0, 1, 1, 1)), Rules.MOT17)[1].tolist() == [True]
    assert counted(true, rows((2, 1, 1, 1)), Rules.MOT17)[1].tolist() == [False]


def test_a_region_without_identity_forgives_what_lies_in_it() -> None:
    true = rows((0, 1, 1, 1), (3, -1, 0, 1), classes=False)
    wide = MotRows(true.frames, true.ids, np.array([[0.0, 0, 10, 10], [3, 0, 200, 90]]), true.scores, true.extra)
    found = rows((4, 1, 1, 1), (0, 2, 1, 1), (50, 3, 1, 1), (194, 4, 1, 1), (300, 5, 1, 1))
    assert counted(wide, found, Rules.IGNORE)[1].tolist() == [False, True, False, False, True]
    named = MotRows(wide.frames, np.array([1, 2]), wide.boxes_xyxy, wide.scores, wide.extra)  # an object, not a region
    assert counted(named, found, Rules.IGNORE)[1].tolist() == [True] * 5


@pytest.mark.parametrize(
    ("name", "classes", "rules"),
    [("MOT17-02", True, Rules.MOT17), ("MOT20-01", True, Rules.MOT20), ("MOT20-01", False, Rules.IGNORE)],
)
def test_rules_follow_from_the_columns_and_the_name(name: str, classes: bool, rules: Rules) -> None:
    assert rules_for(name, rows((0, 1, 1, 1), classes=classes)) is rules


def test_places_in_the_world_are_no_classes() -> None:
    true = rows((0, 1, 1, 1), (0, 2, 1, 1))
    true.extra[:] = [[4.0, 5.2, 0], [6.0, 1.0, 0]]
    assert rules_for("PETS", true) is Rules.IGNORE
