"""Detections in, tracks out, frame by frame: association for a program that has a detector of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np

from vidtrack.core.detections import Detections
from vidtrack.core.errors import UsageError
from vidtrack.core.types import FrameTracks
from vidtrack.tracking.association_tracker import AssociationTracker
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.given_detections import GivenDetections

_ANY_SIZE = 2**31  # pixels; boxes are cut off at the edges of an image only if its size is known


def link_detections(
    detections: Iterable[Detections | None],
    frames_per_second: Fraction | float = 25,
    *,
    size: tuple[int, int] = (_ANY_SIZE, _ANY_SIZE),
    num_classes: int = 1,
    config: TrackerConfig | None = None,
) -> Iterator[FrameTracks]:
    """The tracks of each frame, as soon as its detections are there; None is a frame that nobody looked at.

    `size` is the (width, height) of the images; classes are numbers below `num_classes`.

    Raises UsageError for a rate that is not positive and for a class out of range.

    >>> box = np.array([[10.0, 10, 50, 90]])
    >>> frames = [Detections.of(box + 4 * n, np.array([0.8])) for n in range(3)]
    >>> [tracks.ids.tolist() for tracks in link_detections(frames, 30)]
    [[], [1], [1]]
    """
    if not frames_per_second > 0:
        raise UsageError(f"frames_per_second is {frames_per_second}", "give a positive number")
    interval = 1 / Fraction(frames_per_second).limit_denominator(1001)
    names = tuple(map(str, range(num_classes)))
    tracker = AssociationTracker(GivenDetections(names), config or TrackerConfig(), np.ones(num_classes, dtype=bool))
    for index, found in enumerate(detections):
        empty = FrameTracks.empty(index, index, interval)
        if found is not None and len(found) and not 0 <= found.classes.min() <= found.classes.max() < num_classes:
            raise UsageError(f"frame {index} has class {found.classes.max()}, num_classes is {num_classes}")
        yield empty if found is None else tracker.step_without_image(found, empty, size)
