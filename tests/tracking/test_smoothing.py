"""Smoothing and gap filling of logs: no lag, less jitter, gaps marked, memory bounded."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.media import EXAMPLE_CLIP
from tests.tracklog.logs import any_header
from vidtrack import RunConfig, TrackerConfig, track_video
from vidtrack.core.errors import UsageError
from vidtrack.core.types import FrameTracks, ObjectState
from vidtrack.model.detector import DeformableDETR
from vidtrack.tracking.smoothing import GapFiller, Smoother, fill_gaps, smooth
from vidtrack.tracklog import Status, TrackLog
from vidtrack.tracklog.records import Footer
from vidtrack.tracklog.summary import summarise

TIME_BASE = Fraction(1, 30)
SIZE = np.array([40.0, 80.0])
HEADER = any_header(["person", "dog"], TIME_BASE)
Way = Callable[[float], tuple[float, float]]


def frame(index: int, boxes: dict[int, np.ndarray]) -> FrameTracks:
    n = len(boxes)
    return FrameTracks(
        index,
        index,
        TIME_BASE,
        np.array(list(boxes), np.int64),
        np.ones(n, np.int64),
        np.full(n, 0.8, np.float32),
        np.array(list(boxes.values()), np.float32).reshape(-1, 4),
        np.zeros(n, np.int64),
    )


def box(path: Way, seconds: float, noise: np.ndarray | float = 0.0) -> np.ndarray:
    centre = np.array(path(seconds))
    return np.concatenate([centre - SIZE / 2, centre + SIZE / 2]) + noise


def log_of(frames: list[FrameTracks]) -> TrackLog:
    joined = FrameTracks.concat(frames)
    offsets = np.cumsum([0, *(len(one) for one in frames)])
    places = np.array([one.index for one in frames])
    return TrackLog(
        HEADER,
        places,
        places,
        offsets,
        **{name: getattr(joined, name) for name in FrameTracks.COLUMNS},
        events=[],
        summaries=summarise(frames),
        footer=Footer(Status.COMPLETE, len(frames), 2),
    )


def walk(path: Way, frames: int, noise: float = 0.0, absent: range = range(0), stride: int = 1) -> TrackLog:
    """Id 1 on its path and id 2 standing still."""
    rng = np.random.default_rng(0)
    scenes = []
    for index in range(0, frames, stride):
        boxes = {} if index in absent else {1: box(path, index / 30, rng.normal(scale=noise, size=4))}
        scenes.append(frame(index, boxes | {2: box(lambda _: (900, 200), 0.0)}))
    return log_of(scenes)


def of(log: TrackLog, identity: int) -> np.ndarray:
    return log.boxes_xyxy[log.ids == identity]


@pytest.mark.parametrize("stride", [1, 3, 7])
def test_steady_motion_passes_unchanged_from_end_to_end(stride):
    log = walk(lambda t: (100 + 150 * t, 300 - 40 * t), 90, stride=stride)
    smoothed = smooth(log, 0.4)
    np.testing.assert_allclose(smoothed.boxes_xyxy, log.boxes_xyxy, atol=1e-3)
    for name in ("ids", "classes", "scores", "states", "offsets", "frame_pts"):
        np.testing.assert_array_equal(getattr(smoothed, name), getattr(log, name))


def test_jitter_shrinks_and_nothing_lags():
    def turning(seconds: float) -> tuple[float, float]:
        return 500 + 200 * np.sin(seconds), 300 + 20 * np.cos(1.5 * seconds)

    truth, noisy = of(walk(turning, 180), 1), of(walk(turning, 180, noise=3.0), 1)
    steady = of(smooth(walk(turning, 180, noise=3.0), 0.3), 1)
    assert np.abs(steady - truth).mean() < 0.5 * np.abs(noisy - truth).mean()
    assert np.abs(np.diff(steady, 2, axis=0)).mean() < 0.15 * np.abs(np.diff(noisy, 2, axis=0)).mean()
    inner = slice(15, -15)
    error = [np.abs(steady[inner] - np.roll(truth, late, axis=0)[inner]).mean() for late in range(-4, 5)]
    assert np.argmin(error) == 4, "the boxes belong to another time than their frames"


def test_ids_do_not_pull_at_each_other():
    frames = [frame(i, {1: box(lambda _: (100, 100), 0.0), 2: box(lambda _: (130, 100), 0.0)}) for i in range(20)]
    smoothed = smooth(log_of(frames), 0.3)
    np.testing.assert_allclose(smoothed.boxes_xyxy, log_of(frames).boxes_xyxy, atol=1e-3)


def test_smoothed_boxes_stay_inside_the_picture():
    rng = np.random.default_rng(0)
    frames = [frame(i, {1: np.clip(rng.normal([-5, 10, 30, 90], 6), 0, 90)}) for i in range(40)]
    assert smooth(log_of(frames), 0.3).boxes_xyxy.min() >= 0


def test_a_gap_is_filled_with_marked_boxes_on_the_way():
    def path(seconds: float) -> tuple[float, float]:
        return 100 + 90 * seconds, 200.0

    log = walk(path, 90, absent=range(30, 50))
    filled = fill_gaps(log, 1.0)
    added = (filled.states == ObjectState.INTERPOLATED) & (filled.ids == 1)
    assert filled.frame_rows[added].tolist() == list(range(30, 50))
    np.testing.assert_allclose(filled.boxes_xyxy[added], [box(path, i / 30) for i in range(30, 50)], atol=1e-3)
    assert (filled.ids == 1).sum() == 90 and filled.classes[added].tolist() == [1] * 20
    np.testing.assert_array_equal(filled.boxes_xyxy[filled.states == ObjectState.DETECTED], log.boxes_xyxy)
    assert [(line.frames, line.visible, line.gaps) for line in filled.summaries] == [(90, 70, 0), (90, 90, 0)]
    assert all((np.diff(one.ids) > 0).all() for one in filled)


def test_a_longer_gap_stays():
    log = walk(lambda t: (100 + 90 * t, 200), 90, absent=range(30, 50))
    filled = fill_gaps(log, 0.5)
    np.testing.assert_array_equal(filled.ids, log.ids)
    assert len(fill_gaps(log, 21 / 30).ids) == 180, "a gap of exactly that length is filled"
    assert len(fill_gaps(log, 20 / 30).ids) == 160


def test_two_tracks_with_gaps_at_once_and_gaps_of_their_own():
    frames = []
    for i in range(60):
        seen = {k: box(lambda t, k=k: (200 * k + 30 * t, 100), i / 30) for k in (1, 2, 3)}
        hidden = {1: range(10, 20), 2: range(15, 25), 3: range(5, 8)}
        frames.append(frame(i, {k: one for k, one in seen.items() if i not in hidden[k]}))
    filled = fill_gaps(log_of(frames), 1.0)
    assert [len(one) for one in filled] == [3] * 60
    for i, one in enumerate(filled):
        expected = [box(lambda t, k=k: (200 * k + 30 * t, 100), i / 30) for k in (1, 2, 3)]
        np.testing.assert_allclose(one.boxes_xyxy, expected, atol=1e-3)


@pytest.mark.parametrize("delay", [Smoother(0.5), GapFiller(0.5)], ids=["smoother", "filler"])
def test_frames_come_back_in_order_a_fixed_time_later(delay):
    came = []
    for i in range(100):
        done = list(delay.push(frame(i, {1: box(lambda t: (100 + 30 * t, 50), i / 30)} if i % 9 else {})))
        came += done
        assert i - 16 <= len(came) <= i - 14 or i < 16
        assert len(delay._frames) <= 32, "more is remembered than the time ahead and behind"
    came += delay.flush()
    assert [one.index for one in came] == list(range(100))


def test_empty_logs_and_nonsense():
    empty = log_of([frame(0, {}), frame(1, {})])
    assert len(smooth(empty, 0.3)) == len(fill_gaps(empty, 1.0)) == 2
    with pytest.raises(UsageError, match="above 0"):
        smooth(empty, 0.0)


def test_detect_steadies_and_fills_while_it_runs(tiny_model: DeformableDETR, tmp_path: Path) -> None:
    tracker = TrackerConfig(low_score=0.1)
    logs = {}
    for name, choices in {"raw": {}, "revised": {"smooth_seconds": 0.5, "gap_seconds": 0.4}}.items():
        config = RunConfig(tracker=tracker, score=0.3, end_seconds=Fraction("1.6"), stride=2, **choices)
        result = track_video(EXAMPLE_CLIP, tiny_model, log=tmp_path / f"{name}.jsonl", config=config)
        assert (result.status, result.frames) == ("complete", 20)
        logs[name] = TrackLog.load(tmp_path / f"{name}.jsonl")
    expected, revised = fill_gaps(smooth(logs["raw"], 0.5), 0.4), logs["revised"]
    assert (revised.states == ObjectState.INTERPOLATED).any()
    assert [event.kind for event in revised.events] == ["cut"]
    for name in ("frame_indices", "offsets", "ids", "classes", "states"):
        np.testing.assert_array_equal(getattr(revised, name), getattr(expected, name))
    np.testing.assert_allclose(revised.boxes_xyxy, expected.boxes_xyxy, atol=0.05)
    assert [line.frames for line in revised.summaries] == [line.frames for line in expected.summaries]
