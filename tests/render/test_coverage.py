"""The area that is hidden: it holds every box of a track, also between its sights, and little more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.render.scenes import SIZE, log_in_memory, object_box
from vidtrack.core.types import Frame
from vidtrack.render.coverage import CoverageConfig, cover
from vidtrack.tracklog import TrackLog
from vidtrack.tracklog.source_video import with_objects

FRAMES = 40
MISSED = {9, 10, 11, 20, 24, 25, 26, 27, 33}


def test_what_is_hidden_holds_every_logged_box_and_is_steady(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    jittery = {i: np.array(object_box(i)) + random.normal(0, 3, 4) for i in range(FRAMES) if i not in MISSED}
    log = log_in_memory(tmp_path, {1: jittery}, FRAMES)
    hidden = cover(log, CoverageConfig(margin=0.0))
    rows = {int(row): box for row, box in zip(hidden.frame_rows, hidden.boxes_xyxy, strict=True)}
    assert sorted(rows) == list(range(FRAMES))
    for i, box in jittery.items():
        assert (rows[i][:2] <= box[:2] + 0.01).all() and (rows[i][2:] >= box[2:] - 0.01).all()
    logged = np.array([jittery[i] for i in (4, 5, 6, 7, 8)])
    covering = np.array([rows[i] for i in (4, 5, 6, 7, 8)])
    assert np.abs(np.diff(covering, 2, axis=0)).mean() < 0.4 * np.abs(np.diff(logged, 2, axis=0)).mean()


@pytest.mark.parametrize("every", [1, 2, 3])
def test_of_an_object_followed_well_the_margin_is_all_that_is_hidden_beyond_its_boxes(
    tmp_path: Path, every: int
) -> None:
    """Every frame or one of two or three is a detection; it walks by twice its width per second, and grows."""
    true = {i: np.array([20 + 2.9 * i, 50 - 0.4 * i, 56 + 3.1 * i, 90 + 0.4 * i]) for i in range(61)}
    log = log_in_memory(tmp_path, {1: {i: box for i, box in true.items() if i % every == 0}}, 61)
    hidden = cover(log, CoverageConfig(margin=0.1, hold_before_seconds=0, hold_after_seconds=0))
    apart = 3.1 * (every - 1) + 0.4  # between two detections the hidden area encloses both
    for i, box in enumerate(hidden.boxes_xyxy):
        width, height = true[i][2:] - true[i][:2]
        beyond = (box - true[i]) * [-1, -1, 1, 1]
        assert (beyond <= np.sqrt(width * height) * 0.1 + apart).all(), i


def test_a_narrow_object_gets_the_margin_of_a_square_of_its_area_and_a_small_one_a_larger_one(tmp_path: Path) -> None:
    boxes = {1: (100, 10, 130, 130), 2: (200, 40, 210, 60)}  # root areas of 60 and 14.1, in an image 136 high
    log = log_in_memory(tmp_path, {track: {i: box for i in range(10)} for track, box in boxes.items()}, 10)
    hidden = cover(log, CoverageConfig(margin=0.1, hold_before_seconds=0, hold_after_seconds=0))
    for track, margin in ((1, 6.0), (2, 0.1 * 0.15 * 136)):
        beyond = (hidden.boxes_xyxy[hidden.ids == track] - boxes[track]) * [-1, -1, 1, 1]
        np.testing.assert_allclose(beyond, margin, atol=0.01)


def test_jitter_of_boxes_is_no_reason_to_hide_much_more(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    true = np.array([[40 + 2 * i, 30, 100 + 2 * i, 120] for i in range(FRAMES)], float)
    jittery = {i: box + random.normal(0, 2.5, 4) for i, box in enumerate(true)}  # 4 % of the width
    log = log_in_memory(tmp_path, {1: jittery}, FRAMES)
    hidden = cover(log, CoverageConfig(margin=0.1)).boxes_xyxy
    sides, wanted = hidden[:, 2:] - hidden[:, :2], np.array([60.0, 90.0]) + 0.2 * np.sqrt(60 * 90)
    assert 0.97 < (sides.prod(axis=1) / wanted.prod()).mean() < 1.05


SECONDS = np.arange(100) / 25
MOTIONS = {
    "even": 60 * SECONDS,
    "faster and faster": 16 * SECONDS**2,
    "stop and go": np.cumsum(np.where(SECONDS // 0.6 % 2 == 0, 0.0, 5.2)),
    "to and fro": 110 + 110 * np.sin(SECONDS * 2),
    "at once": np.where(SECONDS < 1.37, 0.0, 90.0),
}


@pytest.mark.parametrize("motion", MOTIONS)
@pytest.mark.parametrize(
    ("every", "missed"), [(1, 5), (1, 12), (1, 25), (3, 0), (5, 0), (10, 0), (5, 10)], ids=lambda n: str(n)
)
def test_no_motion_outruns_what_is_hidden(tmp_path: Path, motion: str, every: int, missed: int) -> None:
    """One frame of `every` is logged, `missed` of each 14 + `missed` frames the object was not seen."""
    true = {i: np.array([x + 20, 40, x + 56, 84]) for i, x in enumerate(MOTIONS[motion])}
    sights = {i: box for i, box in true.items() if i % every == 0 and i % (14 + missed) < 14}
    log = logged_every(log_in_memory(tmp_path, {1: sights}, len(true)), every)
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    ticks = int(log.frame_pts[1]) // every
    frames = [Frame(i, i * ticks, log.time_base, image) for i in range(max(sights) + 1)]
    for frame, tracks in with_objects(frames, cover(log), generous=True):
        (box,) = tracks.boxes_xyxy
        assert (box[:2] <= true[frame.index][:2]).all() and (box[2:] >= true[frame.index][2:]).all(), frame.index


def logged_every(log: TrackLog, step: int) -> TrackLog:
    """The log as a run with a stride leaves it."""
    kept = [log[row] for row in range(0, len(log), step)]
    columns = ("ids", "classes", "scores", "boxes_xyxy", "states")
    return replace(
        log,
        frame_indices=log.frame_indices[::step],
        frame_pts=log.frame_pts[::step],
        offsets=np.cumsum([0, *map(len, kept)]),
        **{name: np.concatenate([getattr(tracks, name) for tracks in kept]) for name in columns},
    )


def test_a_gap_with_a_cut_in_it_is_hidden_along_the_way(tmp_path: Path) -> None:
    """Before the cut the object keeps the motion it had; after it, the motion with which it is next seen."""
    true = {i: np.array([4 * i, 40, 4 * i + 36, 84]) for i in range(60)}
    sights = {i: box for i, box in true.items() if not 20 <= i < 40}
    hidden = cover(log_in_memory(tmp_path, {1: sights}, 60, cuts=(39,)), CoverageConfig(margin=0.0))
    assert hidden.frame_rows.tolist() == list(range(60))
    for i, box in enumerate(hidden.boxes_xyxy):
        assert (box[:2] <= true[i][:2]).all() and (box[2:] >= true[i][2:]).all(), i


def test_the_longer_unseen_the_more_is_hidden(tmp_path: Path) -> None:
    still = {i: (100, 40, 140, 90) for i in (*range(10), *range(40, 50))}
    hidden = cover(log_in_memory(tmp_path, {1: still}, 50), CoverageConfig())
    widths = (hidden.boxes_xyxy[:, 2] - hidden.boxes_xyxy[:, 0])[[5, 15, 25]]
    assert widths[0] < widths[1] < widths[2] < 3 * widths[0]


def test_a_hold_ends_at_a_cut_and_a_gap_does_not(tmp_path: Path) -> None:
    sights = {i: (100 + i, 40, 140 + i, 90) for i in (*range(12, 15), *range(24, 30))}
    log = log_in_memory(tmp_path, {1: sights}, 50, cuts=(10, 20, 31))
    hidden = cover(log, CoverageConfig(margin=0.0, hold_before_seconds=1, hold_after_seconds=1))
    assert hidden.frame_rows.tolist() == list(range(10, 31))
    (left, right), (left_after, right_after) = hidden.boxes_xyxy[[19 - 10, 20 - 10]][:, [0, 2]]
    assert 108 < left <= 114 and 154 < right < 175  # it moves to the right: on to the cut it may have
    assert 100 < left_after <= 124 and 164 < right_after < 170
