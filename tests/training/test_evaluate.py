from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vidtrack.datasets.records import Record
from vidtrack.training.evaluate import score

NAMES = ("person", "car", "dog")


def record(
    boxes: list[list[float]], labels: list[int], labelled: tuple = (True, True, True), ignored: list | None = None
) -> Record:
    return Record(
        Path("x"),
        (100, 100),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(labels, np.int64),
        np.array(labelled),
        ignored_xyxy=np.array(ignored or [], np.float32).reshape(-1, 4),
    )


def found(*rows: tuple[float, ...]) -> np.ndarray:
    """Rows x, y, width, height, score, class."""
    return np.array(rows, np.float64).reshape(-1, 6)


def test_perfect_detections() -> None:
    records = [record([[10, 10, 50, 50], [60, 60, 90, 90]], [0, 1])]
    result = score(records, [found((10, 10, 40, 40, 0.9, 0), (60, 60, 30, 30, 0.8, 1))], NAMES)
    assert [row.name for row in result.classes] == ["person", "car"]
    assert [row.ap for row in result.classes] == pytest.approx([1, 1])
    assert result.means()["ap50"] == pytest.approx(1)


def test_a_false_box_before_the_right_one_halves_precision() -> None:
    rows = found((60, 10, 30, 30, 0.95, 0), (10, 10, 40, 40, 0.9, 0))
    result = score([record([[10, 10, 50, 50]], [0])], [rows], NAMES)
    assert result.means()["ap50"] == pytest.approx(0.5)


def test_images_where_a_class_is_not_labelled_do_not_count() -> None:
    records = [record([[10, 10, 50, 50]], [0]), record([[10, 10, 50, 50]], [1], labelled=(False, True, False))]
    rows = [found((10, 10, 40, 40, 0.9, 0)), found((10, 10, 40, 40, 0.99, 0), (10, 10, 40, 40, 0.5, 1))]
    result = score(records, rows, NAMES)
    assert [(row.name, row.images) for row in result.classes] == [("person", 1), ("car", 2)]
    assert [row.ap50 for row in result.classes] == pytest.approx([1, 1])


def test_ignored_regions_forgive() -> None:
    rows = found((70, 70, 20, 20, 0.95, 0), (10, 10, 40, 40, 0.9, 0))
    result = score([record([[10, 10, 50, 50]], [0], ignored=[[65, 65, 95, 95]])], [rows], NAMES)
    assert result.means()["ap50"] == pytest.approx(1)


def test_nothing_detected_is_zero() -> None:
    assert score([record([[10, 10, 50, 50]], [0])], [found()], NAMES).means()["ap50"] == 0
