"""Doubts about redacted footage: whoever still shows when the cover ends is listed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.render.scenes import SIZE, log_in_memory
from vidtrack.render.coverage import cover
from vidtrack.render.review import Reason, doubts_of

WIDTH, HEIGHT = SIZE
FRAMES, RATE = 60, 25
PERSON = (30.0, 80.0)  # width and height in pixels


def walk(start: tuple[float, float], speed: tuple[float, float], size: tuple[float, float] = PERSON) -> np.ndarray:
    """Where a person of this size really is (F, 4), from a top left corner on, in pixels per second."""
    times = np.arange(FRAMES)[:, None] / RATE
    corners = np.array(start) + times * np.array(speed)
    return np.hstack([corners, corners + np.array(size)])


def visible(boxes: np.ndarray) -> np.ndarray:
    """The part of each box inside the image; a box outside of it has no area."""
    return np.clip(boxes, 0, [WIDTH, HEIGHT, WIDTH, HEIGHT])


def has_area(boxes: np.ndarray) -> np.ndarray:
    return ((boxes[:, 2:] - boxes[:, :2]) > 0.5).all(axis=1)


def sharp_frames(tmp_path: Path, truth: np.ndarray, seen: range) -> tuple[list[int], set[Reason]]:
    """Frames in which any of the person shows beyond the cover, if tracked in `seen` frames; and the doubts."""
    shown = visible(truth)
    boxes = {frame: shown[frame].tolist() for frame in seen if has_area(shown)[frame]}
    log = log_in_memory(tmp_path, {1: boxes}, FRAMES)
    covered = cover(log)
    sharp = []
    for frame in np.flatnonzero(has_area(shown)).tolist():
        own = covered[frame].boxes_xyxy
        if not len(own) or (own[0, :2] > shown[frame, :2] + 0.5).any() or (own[0, 2:] < shown[frame, 2:] - 0.5).any():
            sharp.append(frame)
    return sharp, {doubt.reason for doubt in doubts_of(log)}


# a person cut off by the top, the bottom, or both, who walks off sideways or stands still; and one in the middle
CUT_OFF = {
    "cut by the bottom, walks right": walk((60, HEIGHT - 50), (40, 0)),
    "cut by the top, walks left": walk((200, -30), (-40, 0)),
    "cut by the left, walks up": walk((-12, 60), (0, -20)),
    "cut by the right, walks down": walk((WIDTH - 18, -20), (0, 15)),
    "cut by the bottom, stands still": walk((150, HEIGHT - 50), (0, 0)),
    "fills the height, walks right": walk((40, -10), (45, 0), (60, HEIGHT + 20)),
    "in the middle": walk((100, 30), (10, 0)),
    "cut by the bottom, walks away from it": walk((150, HEIGHT - 40), (0, -15)),
}


@pytest.mark.parametrize("truth", CUT_OFF.values(), ids=CUT_OFF)
@pytest.mark.parametrize("lost", [20, 31])
def test_whoever_is_lost_inside_the_image_is_a_doubt(tmp_path: Path, truth: np.ndarray, lost: int) -> None:
    sharp, reasons = sharp_frames(tmp_path, truth, range(lost))
    assert sharp, "the person stays longer than the hold"
    assert Reason.VANISHES in reasons


@pytest.mark.parametrize("truth", CUT_OFF.values(), ids=CUT_OFF)
def test_whoever_is_found_inside_the_image_is_a_doubt(tmp_path: Path, truth: np.ndarray) -> None:
    sharp, reasons = sharp_frames(tmp_path, truth, range(25, FRAMES))
    assert sharp
    assert Reason.APPEARS in reasons


SLOW, FAST = 60.0, 300.0
LEAVING = {
    "left": lambda speed: walk((20, 40), (-speed, 0)),
    "right": lambda speed: walk((WIDTH - 60, 40), (speed, 0)),
    "top": lambda speed: walk((100, 10), (0, -speed)),
    "bottom": lambda speed: walk((100, 40), (0, speed)),
    "right, cut by the bottom": lambda speed: walk((WIDTH - 60, HEIGHT - 50), (speed, 0)),
    "left, cut by the top": lambda speed: walk((30, -30), (-speed, 0)),
}


@pytest.mark.parametrize("speed", [SLOW, 120.0, FAST])
@pytest.mark.parametrize("edge", LEAVING)
@pytest.mark.parametrize("early", [0, 1, 2, 4])
def test_whoever_leaves_through_an_edge_is_covered_to_the_end_or_a_doubt(
    tmp_path: Path, edge: str, speed: float, early: int
) -> None:
    truth = LEAVING[edge](speed)
    last = int(np.flatnonzero(has_area(visible(truth)))[-1])
    sharp, reasons = sharp_frames(tmp_path, truth, range(max(2, last + 1 - early)))
    assert not sharp or Reason.VANISHES in reasons
    if early == 0 and last < FRAMES - 1:
        assert not sharp and not reasons  # nothing to check for whoever was followed out of the image


@pytest.mark.parametrize("speed", [SLOW, FAST])
@pytest.mark.parametrize("edge", LEAVING)
@pytest.mark.parametrize("late", [0, 2, 4])
def test_whoever_comes_in_through_an_edge_is_covered_from_the_start_or_a_doubt(
    tmp_path: Path, edge: str, speed: float, late: int
) -> None:
    truth = LEAVING[edge](speed)[::-1]
    first = int(np.flatnonzero(has_area(visible(truth)))[0])
    sharp, reasons = sharp_frames(tmp_path, truth, range(min(first + late, FRAMES - 2), FRAMES))
    assert not sharp or Reason.APPEARS in reasons
    if late == 0 and first > 0:
        assert not sharp and not reasons


@pytest.mark.parametrize(("step", "doubtful"), [(1, False), (2, False), (3, False), (4, True), (8, True)])
def test_frames_between_regular_detections_are_no_doubt_but_longer_gaps_are(
    tmp_path: Path, step: int, doubtful: bool
) -> None:
    _, reasons = sharp_frames(tmp_path, CUT_OFF["in the middle"], range(0, FRAMES, step))
    assert (Reason.GAP in reasons) == doubtful


def test_a_leap_between_detections_is_a_doubt(tmp_path: Path) -> None:
    _, reasons = sharp_frames(tmp_path, walk((10, 30), (800, 0)), range(0, FRAMES, 2))
    assert Reason.GAP in reasons


def test_weak_detections_in_a_row_are_one_doubt_though_frames_between_are_not_looked_at(tmp_path: Path) -> None:
    boxes = {frame: (100, 30, 130, 110) for frame in range(0, FRAMES, 2)}
    log = log_in_memory(tmp_path, {1: boxes}, FRAMES, unsure=range(10, 31))
    weak = [doubt for doubt in doubts_of(log) if doubt.reason is Reason.WEAK]
    assert [(doubt.first_row, doubt.last_row) for doubt in weak] == [(9, 31)]
