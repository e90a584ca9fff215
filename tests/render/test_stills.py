from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from tests.media import example_frames
from tests.render.scenes import log_in_memory
from vidtrack.core.types import Frame
from vidtrack.render.stills import Candidate, best_stills, candidates_of
from vidtrack.tracklog.trajectories import continuous_trajectories


def test_candidates_are_whole_large_and_in_front(tmp_path: Path) -> None:
    boxes = {
        1: {
            **{i: (-20, 20, 60, 130) for i in range(10)},  # cut off
            **{i: (60, 40, 90, 80) for i in range(10, 20)},  # small
            **{i: (80, 20, 140, 120) for i in range(20, 40)},  # behind the other one
            **{i: (150, 20, 210, 120) for i in range(40, 60)},
        },
        2: {i: (70, 20, 150, 130) for i in range(20, 40)},
    }
    log = log_in_memory(tmp_path, boxes, 60)
    everyone = continuous_trajectories(log)
    found = candidates_of(everyone[:1], everyone, log)
    assert max(found, key=lambda candidate: candidate.worth).row >= 40
    assert [candidate.row for candidate in found] == sorted({candidate.row for candidate in found})
    assert all(after.row - before.row >= 5 for before, after in itertools.pairwise(found))
    best = {n: max((c.worth for c in found if n <= c.row < n + 20), default=0) for n in (20, 40)}
    assert best[20] < 0.5 * best[40]


def test_the_sharpest_of_equals_is_taken(tmp_path: Path) -> None:
    log = log_in_memory(tmp_path, {1: {i: (40, 20, 120, 120) for i in range(8)}}, 8)
    (picture,) = example_frames(1, 320, 136)
    step = int(log.frame_pts[1])
    frames = [
        Frame(i, i * step, log.time_base, picture if i == 5 else cv2.GaussianBlur(picture, (0, 0), 1 + i / 4))
        for i in range(8)
    ]
    candidates = [Candidate(1, row, np.array([40.0, 20, 120, 120]), 1.0) for row in range(8)]
    (still,) = best_stills(iter(frames), candidates, log, margin=0.1)
    assert still.candidate.row == 5
    np.testing.assert_array_equal(still.image, picture[10:130, 30:130])
    (whole,) = best_stills(iter(frames), candidates, log, whole_frame=True)
    np.testing.assert_array_equal(whole.image, picture)


def test_a_clip_that_ends_before_its_log_still_gives_what_it_has(tmp_path: Path) -> None:
    log = log_in_memory(tmp_path, {1: {i: (40, 20, 120, 120) for i in range(8)}}, 8)
    frame = Frame(0, 0, Fraction(log.time_base), example_frames(1, 320, 136)[0])
    candidates = [Candidate(1, row, np.array([40.0, 20, 120, 120]), 1.0) for row in (0, 6)]
    assert [still.candidate.row for still in best_stills([frame], candidates, log)] == [0]
