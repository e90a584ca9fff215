"""Frames wait until their tracks are final, and a saved wait is continued."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import msgspec
import numpy as np
import pytest

from vidtrack.core.state_io import pack, unpack
from vidtrack.core.types import Frame, FrameTracks
from vidtrack.pipeline.lookahead import Lookahead, LookaheadState
from vidtrack.pipeline.outputs import Tracked
from vidtrack.tracking.config import HindsightConfig

RATE = Fraction(1, 10)


def item(index: int) -> Tracked:
    """One object that moves 10 pixels per frame and is missing from every third."""
    n = 0 if index % 3 == 2 else 1
    left = 10.0 * index
    boxes = np.array([[left, 0, left + 20, 20]], np.float32)[:n]
    none = np.zeros(n, np.int64)
    tracks = FrameTracks(index, index, RATE, none + 1, none, none + np.float32(0.5), boxes, none)
    return Tracked(Frame(index, index, RATE, np.zeros((2, 2, 3), np.uint8)), tracks, (), cut=index == 0)


def seen(items: Iterator[Tracked]) -> list[tuple[int, list[list[float]]]]:
    return [(item.frame.index, item.tracks.boxes_xyxy.round(3).tolist()) for item in items]


def test_gaps_are_filled_before_frames_go_on() -> None:
    found = seen(Lookahead(None, 0.0, 0.5).apply(item(index) for index in range(12)))
    assert [index for index, _ in found] == list(range(12))
    assert found[2][1] == [[20, 0, 40, 20]] and found[11][1] == []  # nothing follows the last gap


def test_without_either_frames_pass_at_once() -> None:
    passing = Lookahead(None, 0.0, 0.0).apply(item(index) for index in range(9))
    assert next(passing).frame.index == 0


@pytest.mark.parametrize("boundary", [1, 5, 9])
@pytest.mark.parametrize(("smooth", "gap"), [(0.3, 0.0), (0.0, 0.5), (0.3, 0.5)])
@pytest.mark.parametrize("hindsight", [None, HindsightConfig()])
def test_a_saved_wait_is_continued(boundary: int, smooth: float, gap: float, hindsight: HindsightConfig | None) -> None:
    whole = seen(Lookahead(hindsight, smooth, gap).apply(item(index) for index in range(12)))
    first, states = Lookahead(hindsight, smooth, gap), []

    def until_boundary() -> Iterator[Tracked]:
        for index in range(12):
            if index == boundary:
                states.append(first.state())
                return
            yield item(index)

    stream = first.apply(until_boundary())
    before = []
    for one in stream:
        if states:
            break  # what is flushed at the end is decoded again
        before.append(one)
    stored = msgspec.convert(unpack(pack({"state": states[0]}))["state"], LookaheadState)
    second = Lookahead(hindsight, smooth, gap)
    second.restore(stored)
    start = boundary - len(second.waiting)
    assert start == len(before)
    after = second.apply(item(index) for index in range(start, 12))
    assert seen(iter(before)) + seen(after) == whole
