"""The package `trackers` is an extra: these tests run where it is installed."""

from __future__ import annotations

from fractions import Fraction
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from tests.tracking.boxes import Boxes
from vidtrack.core.detections import Detections
from vidtrack.core.errors import OutputError, UsageError
from vidtrack.core.types import Frame, FrameTracks
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.tracker import make_tracker
from vidtrack.tracklog.zones import parse_region

NAMES = ("roboflow-bytetrack", "roboflow-ocsort")
installed = pytest.mark.skipif(find_spec("trackers") is None, reason="needs the trackers package")


def walk(name: str, frames: int = 12, **choices: Any) -> list[FrameTracks]:
    """Tracks of a person who walks to the right and a car that stands still, 10 frames per second."""
    tracker, seen = make_tracker(Boxes(), TrackerConfig(mode=name, **choices)), []
    for index in range(frames):
        boxes = np.array([[10 + index, 10, 20 + index, 40], [60, 20, 75, 30]], float)
        found = Detections.of(boxes, np.array([0.9, 0.6]), np.array([0, 2]))
        image = np.zeros((60, 80, 3), np.uint8)
        seen.append(tracker.step(found, Frame(index, index, Fraction(1, 10), image)))
    return seen


@installed
@pytest.mark.parametrize("name", NAMES)
def test_their_trackers_keep_two_objects_apart(name: str) -> None:
    last = walk(name)[-4:]
    assert {tuple(one.classes.tolist()) for one in last} in ({(0, 2)}, {(2, 0)})
    assert len({tuple(one.ids.tolist()) for one in last}) == 1
    person = last[-1][last[-1].classes == 0]
    np.testing.assert_allclose(person.boxes_xyxy[0], [21, 10, 31, 40], atol=1.5)
    assert min(one.ids.min() for one in last) >= 1


@installed
def test_they_look_where_they_are_told_to() -> None:
    last = walk(NAMES[0], ignored_regions=(parse_region("50,0,80,60"),))[-1]
    assert last.classes.tolist() == [0]


@installed
def test_a_run_with_their_trackers_cannot_be_resumed() -> None:
    tracker = make_tracker(Boxes(), TrackerConfig(mode=NAMES[0]))
    with pytest.raises(OutputError, match="cannot be resumed"):
        tracker.restore(tracker.state())


@pytest.mark.skipif(find_spec("trackers") is not None, reason="needs an installation without the package trackers")
@pytest.mark.parametrize("name", NAMES)
def test_without_the_package_the_error_says_what_to_install(name: str) -> None:
    with pytest.raises(UsageError, match=r"needs the trackers package \(pip install 'vidtrack\[trackers\]'\)"):
        make_tracker(Boxes(), TrackerConfig(mode=name))
