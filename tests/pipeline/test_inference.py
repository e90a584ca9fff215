"""Frames between detections: all logged, interpolated, and looked at wherever a shot starts or ends."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.media import EXAMPLE_CLIP
from vidtrack import RunConfig, TrackerConfig, TrackLog, track_video
from vidtrack.core.types import ObjectState
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.inference import FrameEncoder

SECONDS = Fraction(4)  # of the example clip, which has cuts in them
STEP = 3


@pytest.fixture(scope="module")
def encoded() -> list[bytes]:
    """Top left corners of the images that were encoded."""
    return []


@pytest.fixture(scope="module")
def log(tiny_model: DeformableDETR, tmp_path_factory: pytest.TempPathFactory, encoded: list[bytes]) -> TrackLog:
    class Recording(FrameEncoder):
        def batch(self, image: np.ndarray):  # type: ignore[no-untyped-def]
            encoded.append(image[:64, :64].tobytes())
            return super().batch(image)

    path = tmp_path_factory.mktemp("log") / "bikes.tracks.jsonl"
    config = RunConfig(
        tracker=TrackerConfig(low_score=0.1, confirm_score=1.0), score=0.3, end_seconds=SECONDS, detect_every=STEP
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vidtrack.pipeline.track_video.FrameEncoder", Recording)
        track_video(EXAMPLE_CLIP, tiny_model, log=path, config=config)
    return TrackLog.load(path)


def shot_borders(log: TrackLog) -> set[int]:
    """The first and the last frame of every shot."""
    starts = [0, *np.searchsorted(log.frame_pts, log.cut_pts).tolist()]
    ends = [start - 1 for start in starts[1:]] + [len(log) - 1]
    return {*starts, *ends}


def test_every_frame_is_logged(log: TrackLog) -> None:
    assert log.frame_indices.tolist() == list(range(100))


def test_the_clip_has_cuts_between_detections(log: TrackLog) -> None:
    assert any(frame % STEP for frame in shot_borders(log))


def test_detections_are_where_the_schedule_and_the_shots_ask_for_them(log: TrackLog, encoded: list[bytes]) -> None:
    assert len(encoded) == len({*range(0, 100, STEP), *shot_borders(log)})


def test_boxes_between_detections_are_interpolated(log: TrackLog) -> None:
    detected = {*range(0, 100, STEP), *shot_borders(log)}
    between = ~np.isin(log.frame_rows, sorted(detected))
    assert between.any()
    assert set(log.states[between].tolist()) == {int(ObjectState.INTERPOLATED)}
    for track in np.unique(log.ids[between]).tolist():
        own = log.ids == track
        times, states = log.frame_seconds[log.frame_rows[own]], log.states[own]
        seen = states == int(ObjectState.DETECTED)
        expected = [np.interp(times, times[seen], edge[seen]) for edge in log.boxes_xyxy[own].T]
        assert log.boxes_xyxy[own] == pytest.approx(np.stack(expected, axis=1), abs=0.02)


def test_a_track_begins_where_it_was_first_seen_from_the_first_frame_of_a_shot_on(log: TrackLog) -> None:
    """It was confirmed when seen a second time."""
    starts = np.searchsorted(log.frame_pts, [0, *log.cut_pts])
    firsts = {track: int(log.frame_rows[log.ids == track].min()) for track in np.unique(log.ids).tolist()}
    assert set(starts.tolist()) <= set(firsts.values())
