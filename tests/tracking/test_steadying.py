"""What the video shows is steadier than the log: bridged gaps, smooth boxes, one class per track."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np

from tests.media import EXAMPLE_CLIP
from vidtrack.core.state_io import pack, unpack
from vidtrack.core.types import FrameTracks, ObjectState
from vidtrack.tracking.steadying import GAP_SECONDS, SMOOTH_SECONDS, Steadier, SteadierState
from vidtrack.video import probe

INFO = probe(EXAMPLE_CLIP)  # 25 fps


def seen(index: int, boxes: Sequence[Sequence[float]], kind: int = 0) -> FrameTracks:
    count = len(boxes)
    return FrameTracks(
        index,
        index,
        Fraction(1, 25),
        np.arange(1, count + 1),
        np.full(count, kind),
        np.full(count, 0.8, np.float32),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.zeros(count, np.int64),
    )


def steadied(frames: Sequence[FrameTracks], steadier: Steadier | None = None) -> list[FrameTracks]:
    steadier = steadier or Steadier(INFO)
    done = [one for tracks in frames for one in steadier.push(tracks)]
    return [*done, *steadier.flush()]


def walk(frames: int, noise: float = 0.0) -> list[FrameTracks]:
    jitter = np.random.default_rng(0).normal(0, noise, (frames, 4))
    return [seen(i, [np.array([4.0 * i, 50, 4.0 * i + 40, 150]) + jitter[i]]) for i in range(frames)]


def test_jitter_becomes_less_and_motion_is_not_late() -> None:
    given, shown = walk(50, noise=2.0), steadied(walk(50, noise=2.0))
    truth = np.array([[4.0 * i, 50, 4.0 * i + 40, 150] for i in range(50)])[10:40]
    before = np.array([tracks.boxes_xyxy[0] for tracks in given])[10:40] - truth
    after = np.array([tracks.boxes_xyxy[0] for tracks in shown])[10:40] - truth
    assert np.abs(after).mean() < 0.6 * np.abs(before).mean()
    assert abs(float(after[:, 0].mean())) < 0.5


def test_short_gaps_are_bridged_and_long_ones_are_not() -> None:
    frames = [tracks if i not in (20, 21, 22, 23, *range(35, 50)) else tracks[:0] for i, tracks in enumerate(walk(60))]
    shown = steadied(frames)
    assert [len(tracks) for tracks in shown] == [0 if 35 <= i < 50 else 1 for i in range(60)]
    assert shown[21].states.tolist() == [ObjectState.INTERPOLATED]
    np.testing.assert_allclose(shown[21].boxes_xyxy[0], [84, 50, 124, 150], atol=0.5)


def test_a_track_has_one_class_unless_clearly_overruled() -> None:
    flicker = [replace(tracks, classes=np.array([int(i % 5 == 2)])) for i, tracks in enumerate(walk(50))]
    assert {int(tracks.classes[0]) for tracks in steadied(flicker)} == {0}
    wrong_at_first = [replace(tracks, classes=np.array([int(i >= 4)])) for i, tracks in enumerate(walk(50))]
    assert {int(tracks.classes[0]) for tracks in steadied(wrong_at_first)} == {1}


def test_frames_wait_for_the_stated_time_only_and_large_ones_for_less() -> None:
    most = 25 * (SMOOTH_SECONDS + GAP_SECONDS) + 2

    def held(steadier: Steadier) -> int:
        return 100 - sum(1 for tracks in walk(100) for _ in steadier.push(tracks))

    assert held(Steadier(INFO)) <= most
    huge = Steadier(replace(INFO, size=(15360, 8640)))
    assert held(huge) * 15360 * 8640 * 3 < 2e9


def test_it_continues_from_a_saved_state() -> None:
    frames = [tracks if i not in (30, 31) else tracks[:0] for i, tracks in enumerate(walk(60, noise=2.0))]
    first, second = Steadier(INFO), Steadier(INFO)
    done = [one for tracks in frames[:31] for one in first.push(tracks)]
    second.restore(msgspec.convert(unpack(pack({"state": first.state()}))["state"], SteadierState))
    done += steadied(frames[31:], second)
    for got, expected in zip(done, steadied(frames), strict=True):
        np.testing.assert_array_equal(got.boxes_xyxy, expected.boxes_xyxy)
        np.testing.assert_array_equal(got.classes, expected.classes)


def test_the_same_happens_to_a_whole_log(tmp_path: Path) -> None:
    from tests.tracking.test_smoothing import log_of
    from vidtrack.tracking.steadying import steady

    frames = [tracks if i not in (20, 21) else tracks[:0] for i, tracks in enumerate(walk(50, noise=2.0))]
    log = steady(log_of(frames))
    expected = steadied(frames)
    assert [len(tracks) for tracks in log] == [len(tracks) for tracks in expected]
    np.testing.assert_allclose(log[25].boxes_xyxy, expected[25].boxes_xyxy, atol=0.5)
