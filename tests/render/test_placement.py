"""Labels stay in the image, off each other and off heads."""

from __future__ import annotations

import itertools

import numpy as np

from tests.render.drawing import CLASSES, frame, tracks
from vidtrack.render.annotator import Annotator
from vidtrack.render.style import Look, Part, Style, colour_of


def test_labels_stay_in_the_image_and_off_each_other() -> None:
    boxes = [(-20, -30, 60, 40), (270, 2, 330, 60), (80, 100, 160, 170), (83, 103, 163, 173), (270, 120, 320, 200)]
    look = Look(Style.BOLD, (Part.LABELS,))
    image = Annotator((320, 180), CLASSES, look).paint(frame(), tracks(0, *boxes)).image
    for identity in range(1, len(boxes) + 1):
        ground = (image == np.array(colour_of(identity))).all(-1)
        rows, columns = np.flatnonzero(ground.any(1)), np.flatnonzero(ground.any(0))
        plate = ground[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert plate.mean() > 0.4, f"label {identity} is covered"


def heads_shown(boxes: list[tuple[float, ...]]) -> list[float]:
    """Share of each head, the middle of a box's top, that no label covers."""
    image = (
        Annotator((640, 360), CLASSES, Look(parts=(Part.LABELS,)))
        .paint(frame(size=(640, 360)), tracks(0, *boxes))
        .image
    )
    clear = (image == 90).all(-1)
    heads = [
        (round(x0 + 0.2 * (x1 - x0)), round(y0), round(x1 - 0.2 * (x1 - x0)), round(y0 + 0.2 * (y1 - y0)))
        for x0, y0, x1, y1 in boxes
    ]
    return [float(clear[y0:y1, x0:x1].mean()) for x0, y0, x1, y1 in heads]


def test_labels_do_not_cover_heads() -> None:
    row = [(60.0 * n + 40, 100.0 + 9 * (n % 3), 60.0 * n + 90, 260.0) for n in range(9)]
    behind = [(200.0, 60.0, 260.0, 240.0), (230.0, 84.0, 290.0, 300.0), (10.0, 0.0, 90.0, 200.0)]
    assert min(heads_shown(row)) > 0.9
    assert min(heads_shown(behind)) > 0.9


def test_a_label_stays_on_its_side_while_others_come_near() -> None:
    annotator = Annotator((640, 360), CLASSES, Look(parts=(Part.LABELS,)))
    sides = []
    for index in range(30):
        annotator.paint(
            frame(index, (640, 360)), tracks(index, (200, 150, 260, 330), (40 + 4 * index, 100, 100 + 4 * index, 250))
        )
        sides.append(dict(annotator.state().sides))
    assert sum(before != after for before, after in itertools.pairwise(sides)) <= 2
