"""Tracks and detections as what other libraries and formats hold."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from vidtrack.core.detections import Detections
from vidtrack.core.tables import STATE_NAMES
from vidtrack.core.types import FrameTracks, ObjectState

NAMES = ("person", "car", "bicycle")
TRACKS = FrameTracks(
    index=4,
    pts=8,
    time_base=Fraction(1, 50),
    ids=np.array([3, 7]),
    classes=np.array([2, 0]),
    scores=np.array([0.5, 0.75], np.float32),
    boxes_xyxy=np.array([[10, 20, 30, 60], [1.5, 2.5, 4, 8]], np.float32),
    states=np.array([0, 2]),
)


def test_supervision_has_the_same_objects_and_gives_them_back() -> None:
    pytest.importorskip("supervision")
    found = TRACKS.to_supervision(NAMES)
    assert found.tracker_id.tolist() == TRACKS.ids.tolist()
    assert found.data["class_name"].tolist() == [NAMES[number] for number in TRACKS.classes]
    back = FrameTracks.from_supervision(found, TRACKS.index, TRACKS.pts, TRACKS.time_base)
    assert np.array_equal(back.boxes_xyxy, TRACKS.boxes_xyxy) and np.array_equal(back.scores, TRACKS.scores)
    detections = Detections.of(TRACKS.boxes_xyxy, TRACKS.scores, TRACKS.classes)
    again = Detections.from_supervision(detections.to_supervision(NAMES))
    assert np.array_equal(again.boxes_xyxy, detections.boxes_xyxy) and np.array_equal(again.classes, TRACKS.classes)
    untracked = detections.to_supervision(NAMES)
    with pytest.raises(ValueError, match="no tracker_id"):
        FrameTracks.from_supervision(untracked, 0, 0, Fraction(1, 25))


def test_states_have_the_names_of_their_numbers() -> None:
    assert [ObjectState(number).name.lower() for number in range(len(STATE_NAMES))] == list(STATE_NAMES)


def test_tables_have_a_row_per_object() -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("polars")
    table = TRACKS.to_pandas(NAMES)
    assert table["id"].tolist() == TRACKS.ids.tolist() and table["left"].tolist() == TRACKS.boxes_xyxy[:, 0].tolist()
    assert TRACKS.to_polars(NAMES)["class"].to_list() == [NAMES[number] for number in TRACKS.classes]


def test_coco_and_mot_hold_the_boxes_as_their_readers_expect() -> None:
    rows = TRACKS.to_coco(7)
    assert [row["track_id"] for row in rows] == TRACKS.ids.tolist() and rows[0]["image_id"] == 7
    assert Detections.from_coco(rows).boxes_xyxy == pytest.approx(TRACKS.boxes_xyxy, abs=1e-4)
    frame, identity, left, top, width, height, *_ = map(float, TRACKS.to_mot()[0].split(","))
    edges = TRACKS.boxes_xyxy[0]
    assert (frame, identity) == (TRACKS.index + 1, TRACKS.ids[0])
    assert (left - 1, top - 1, width, height) == pytest.approx((*edges[:2], *(edges[2:] - edges[:2])), abs=0.01)
