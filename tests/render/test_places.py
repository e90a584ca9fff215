from __future__ import annotations

from tests.render.drawing import CLASSES, frame, tracks
from vidtrack.render.annotator import Annotator
from vidtrack.render.style import Look, Part
from vidtrack.tracklog.records import Event
from vidtrack.tracklog.zones import Line, Zone


def test_lines_and_zones_are_drawn_with_their_counts() -> None:
    places = [
        Line("gate", ((10.0, 90.0), (90.0, 90.0)), percent=True),
        Zone("lot", ((20.0, 20.0), (120.0, 20.0), (70.0, 100.0))),
    ]
    annotator = Annotator((640, 360), CLASSES, Look(parts=(Part.ZONES,)), places=places)
    empty = annotator.paint(frame(0, (640, 360)), tracks(0)).image
    assert (empty[322:326, 400] == 255).all(-1).any()
    for direction in ("right", "right", "left"):
        annotator.count(Event("line", "", 0, 0, "gate", 1, 0, direction))
    place, points = annotator._places._places[0]
    assert annotator._places._counts(place, points) == "↓ 2 ↑ 1"  # a line to the right has its right side below
    assert (annotator.paint(frame(1, (640, 360)), tracks(1)).image != empty).any()
