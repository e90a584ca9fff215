"""The seam between detectors and trackers: any detector serves association, and the tables name every tracker."""

from __future__ import annotations

import re
from dataclasses import fields
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from vidtrack.core.detections import Detections
from vidtrack.core.errors import UsageError
from vidtrack.core.state_io import pack, unpack
from vidtrack.core.types import Frame
from vidtrack.tracking.config import HindsightConfig, TrackerConfig
from vidtrack.tracking.registry import TRACKERS
from vidtrack.tracking.tracker import Tracker, make_tracker

DOCS = Path(__file__).parents[2] / "docs" / "tracking.md"


class Boxes:
    """A detector whose encoder has found everything already."""

    class_names = ("person", "", "car")
    num_classes = 3

    def detect(self, memory: Detections, size: tuple[int, int], min_score: float, allowed: np.ndarray) -> Detections:
        return memory[(memory.scores >= min_score) & allowed[memory.classes]]


def frame(index: int) -> Frame:
    return Frame(index, index, Fraction(1, 10), np.zeros((60, 80, 3), np.uint8))


def shown(tracker: Tracker, frames: int = 3) -> list[list[tuple[int, int]]]:
    """Ids and classes per frame of a person and a car that stand still, and of a box in the unused slot."""
    boxes = np.array([[10, 10, 20, 40], [40, 20, 60, 30], [60, 40, 70, 50]], float)
    found = Detections.of(boxes, np.full(3, 0.95), np.array([0, 2, 1]))
    steps = [tracker.step(found, frame(index)) for index in range(frames)]
    return [list(zip(one.ids.tolist(), one.classes.tolist(), strict=True)) for one in steps]


def test_association_tracks_the_boxes_of_any_detector() -> None:
    tracker = make_tracker(Boxes())
    assert shown(tracker) == [[(1, 0), (2, 2)]] * 3
    tracker.reset()
    assert shown(tracker, 1) == [[(1, 0), (2, 2)]]
    assert shown(make_tracker(Boxes(), class_filter=np.array([False, True, True])), 1) == [[(1, 2)]]


def test_a_tracker_continues_from_a_saved_state() -> None:
    first, second = make_tracker(Boxes()), make_tracker(Boxes())
    shown(first, 1)
    state = first.state()
    boxes = Detections.of(np.array([[40, 20, 60, 30]]), np.array([0.95]), np.array([2]))
    after = first.step(boxes, frame(1))  # the state is that before this frame
    second.restore(unpack(pack({"tracker": state}))["tracker"])
    again = second.step(boxes, frame(1))
    assert again.ids.tolist() == after.ids.tolist() == [2]
    assert again.boxes_xyxy.tobytes() == after.boxes_xyxy.tobytes()


def test_propagation_needs_a_model_that_carries_queries() -> None:
    with pytest.raises(UsageError, match="this model cannot carry queries"):
        make_tracker(Boxes(), TrackerConfig(mode="propagation"))


def test_every_tracker_loads_and_is_an_option() -> None:
    from vidtrack.cli.detect_options import TrackerMode

    assert [str(mode) for mode in TrackerMode] == list(TRACKERS)
    assert all(callable(entry.load()) for entry in TRACKERS.values())
    with pytest.raises(UsageError, match=r"unknown tracker 'sort' \(choose one of propagation, association, roboflow"):
        TrackerConfig(mode="sort")


def test_every_parameter_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\w.]+) \|", DOCS.read_text("utf-8"), re.MULTILINE))
    configs = (TrackerConfig(), HindsightConfig())
    values = {field.name: getattr(config, field.name) for config in configs for field in fields(config)}
    words = {True: "true", False: "false", (): "none"}
    assert rows == {
        name: words[value] if isinstance(value, bool | tuple) else str(value) for name, value in values.items()
    }
