from __future__ import annotations

from tests.render.drawing import CLASSES, frame, tracks
from vidtrack.render.annotator import Annotator
from vidtrack.render.style import Look, Part


def test_a_heat_map_is_hottest_where_objects_stood_longest() -> None:
    annotator = Annotator((320, 180), CLASSES, Look(parts=(Part.HEATMAP,)))
    for index in range(30):
        x = 60 if index < 25 else 240
        image = annotator.paint(frame(index), tracks(index, (x - 10, 60, x + 10, 120))).image
    red, blue = image[120, 60], image[120, 240]
    assert red[0] > red[2] and int(red[0]) - red[2] > int(blue[0]) - blue[2]
    assert (image[10, 160] == 90).all()
