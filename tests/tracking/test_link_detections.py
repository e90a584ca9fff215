from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from vidtrack.core.detections import Detections
from vidtrack.core.errors import UsageError
from vidtrack.tracking.link_detections import link_detections


def walk(frame: int, cls: int = 0) -> Detections:
    return Detections.of(np.array([[10.0 + 4 * frame, 10, 50 + 4 * frame, 90]]), np.array([0.8]), np.array([cls]))


def test_frames_nobody_looked_at_have_no_tracks_and_end_none() -> None:
    found = [walk(n) if n % 2 == 0 else None for n in range(7)]
    tracks = list(link_detections(found, Fraction(30000, 1001)))
    assert [one.ids.tolist() for one in tracks] == [[], [], [1], [], [1], [], [1]]
    assert [one.seconds for one in tracks] == [Fraction(1001 * n, 30000) for n in range(7)]


def test_boxes_are_cut_off_at_the_edges_of_an_image_of_known_size() -> None:
    *_, last = link_detections([walk(n) for n in range(3)], 25, size=(50, 64))
    assert last.boxes_xyxy[0, 2:].tolist() == [50, 64]


@pytest.mark.parametrize(
    ("rate", "cls", "said"), [(0, 0, "frames_per_second is 0"), (25, 2, "frame 0 has class 2, num_classes is 2")]
)
def test_a_rate_or_class_that_cannot_be_is_said(rate: int, cls: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        list(link_detections([walk(0, cls)], rate, num_classes=2))
