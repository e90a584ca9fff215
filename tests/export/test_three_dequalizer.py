"""Points of 3DEqualizer: keys only while the object is visible."""

from __future__ import annotations

from tests.export.readers import (
    boxes_by_frame,
    same,
)
from tests.export.scenes import by_hand
from vidtrack.export import three_dequalizer as points
from vidtrack.export.scene import Anchor


def test_points_have_keys_where_the_object_is_and_nowhere_else() -> None:
    scene = by_hand(anchor=Anchor.BOTTOM)
    lines = iter(points.write(scene).splitlines())
    assert next(lines) == "2"
    found = {}
    for _ in range(2):
        name, colour, count = next(lines), next(lines), int(next(lines))
        assert colour == "0"
        rows = [next(lines).split() for _ in range(count)]
        found[name] = {int(frame): [float(x), float(y)] for frame, x, y in rows}
    assert next(lines, None) is None
    expected = {frame: [(box[0] + box[2]) / 2, 180 - box[3]] for frame, box in boxes_by_frame(scene, first=1).items()}
    same(found["person 1"], expected)
