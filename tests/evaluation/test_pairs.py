"""Which frames and boxes of a sequence are scored."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.evaluation.cases import HALF, log, sequence, still, written
from vidtrack.core.errors import DataError, UsageError
from vidtrack.evaluation.pairs import Choices
from vidtrack.evaluation.runner import evaluate


def test_classes_of_a_log(tmp_path: Path) -> None:
    log(tmp_path / "A.jsonl", classes=(0, 0, 1))
    truth = sequence(tmp_path / "truth", "A")
    for classes, false in (("PERSON",), 5), (("café",), 0), (("person", "café"), 10):
        assert evaluate(truth, tmp_path, Choices(classes=classes)).rows["A"].false_positives == false
    with pytest.raises(UsageError, match=r"A\.jsonl: .* no class 'dragon'"):
        evaluate(truth, tmp_path, Choices(classes=("dragon",)))


def test_every_second_frame_only_when_asked_for(tmp_path: Path) -> None:
    truth, result = sequence(tmp_path, "A"), log(tmp_path / "A.jsonl", frames=range(0, 5, 2))
    with pytest.raises(DataError, match=r"covers 3 of the 5 frames of A \(give --partial"):
        evaluate(truth, result)
    scores = evaluate(truth, result, Choices(partial=True)).rows["A"]
    assert (scores.true_positives, scores.false_negatives, scores.frames) == (3, 0, 3)


@pytest.mark.parametrize("frames", [[2, 4], [3, 4], [1]])
def test_frames_of_a_log_made_with_start_or_stride_are_those_of_the_clip(tmp_path: Path, frames: list[int]) -> None:
    rows = "".join(  # elsewhere in the frames that the log has not
        f"{frame},1,{11 if frame - 1 in frames else 40},11,20,40,1\n" for frame in range(1, 6)
    )
    result = log(tmp_path / "A.jsonl", frames=frames)
    scores = evaluate(sequence(tmp_path, "A", rows), result, Choices(partial=True)).rows["A"]
    assert (scores.true_positives, scores.false_positives, scores.false_negatives) == (len(frames), 0, 0)
    assert scores.loca == pytest.approx(1)


def test_of_a_mot_file_partial_takes_what_comes_before_its_end(tmp_path: Path) -> None:
    scores = evaluate(sequence(tmp_path, "A"), written(tmp_path / "a.txt", HALF), Choices(partial=True)).rows["A"]
    assert (scores.true_positives, scores.false_negatives, scores.frames) == (3, 0, 3)


def test_a_class_of_the_ground_truth(tmp_path: Path) -> None:
    rows = "1,1,0,0,9,9,1,4,0,0\n1,2,50,0,9,9,1,9,1,2\n2,3,50,0,9,9,0,9,0,0\n"
    truth = sequence(tmp_path, "A", rows)
    result = written(tmp_path / "a.txt", "1,7,50,0,9,9,1\n2,7,50,0,9,9,1\n")
    found = evaluate(truth, result, Choices(truth_class=9)).rows["A"]
    assert (found.true_positives, found.false_positives, found.false_negatives) == (1, 0, 0)
    with pytest.raises(UsageError, match=r"has no class 5 \(it has 4, 9\)"):
        evaluate(truth, result, Choices(truth_class=5))
    with pytest.raises(UsageError, match="no column of classes"):
        evaluate(sequence(tmp_path, "B"), result, Choices(truth_class=5))


def test_ground_truth_with_the_scores_of_results_is_refused(tmp_path: Path) -> None:
    truth = sequence(tmp_path, "A", still(1, range(1, 5)) + still(1, [5], score=-1))
    with pytest.raises(DataError, match=r"gt\.txt has score -1 in frame 5 \(in ground truth 1 counts and 0 is ignored"):
        evaluate(truth, written(tmp_path / "a.txt", still(1, range(1, 6), score=-1)))


CVAT_ROW = "{frame},{identity},10.0,10.0,20.0,40.0,1,{kind},1.0\n"


def cvat_sequence(folder: Path, has_info: bool = True) -> Path:
    """A person and a car in five frames, as CVAT's "MOT 1.1" has them: labels.txt, and edges counted from 0."""
    rows = "".join(CVAT_ROW.format(frame=frame, identity=1, kind=2) for frame in range(1, 6))
    rows += CVAT_ROW.format(frame=1, identity=2, kind=1).replace("10.0,10.0", "40.0,10.0")
    made = sequence(folder, "A", rows, 5 if has_info else None)
    (made / "gt/labels.txt").write_text("car\nperson\n")
    return made


@pytest.mark.parametrize("has_info", [True, False])
@pytest.mark.parametrize(("classes", "boxes"), [(None, 5), (("person",), 5), (("car",), 1)])
def test_ground_truth_from_cvat_counts_by_its_labels(
    tmp_path: Path, has_info: bool, classes: tuple[str, ...] | None, boxes: int
) -> None:
    truth = cvat_sequence(tmp_path, has_info)
    result = tmp_path / "A.txt"
    result.write_text(still(7, range(1, 6)))
    (one,) = evaluate(truth, result, Choices(classes=classes)).sequences
    assert one.scores.true_positives + one.scores.false_negatives == boxes


def test_a_log_lies_exactly_on_boxes_from_cvat(tmp_path: Path) -> None:
    (one,) = evaluate(cvat_sequence(tmp_path), log(tmp_path / "A.jsonl")).sequences
    assert (one.scores.motp, one.scores.true_positives) == (1.0, 5)


def test_results_of_another_class_are_left_out_with_a_note(tmp_path: Path) -> None:
    truth, result = sequence(tmp_path, "A"), tmp_path / "A.txt"
    person, car = "{0},4,11,11,20,40,1,1,-1,-1\n", "{0},5,40,40,9,9,1,3,-1,-1\n"
    result.write_text("".join(person.format(n) + car.format(n) for n in range(1, 6)))
    (one,) = evaluate(truth, result).sequences
    assert (one.scores.false_positives, one.notes) == (0, (f"left out 5 rows of {result}: class 3, not 1",))
    result.write_text("".join(car.format(n) for n in range(1, 6)))
    (one,) = evaluate(truth, result).sequences
    assert one.scores.false_positives == 5
    assert one.notes == (f"{result} has no row of class 1: all, of class 3, are scored as if they were",)
