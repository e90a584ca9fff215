"""Frames in, tracks out."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.media import EXAMPLE_CLIP
from vidtrack import RunConfig, TrackerConfig, TrackLog, stream, track_video
from vidtrack.core.errors import UsageError
from vidtrack.core.types import FrameTracks
from vidtrack.model.detector import DeformableDETR
from vidtrack.video import VideoReader

TRACKER = TrackerConfig(low_score=0.1)
COUNT = 8


@pytest.fixture(scope="module")
def images() -> list[np.ndarray]:
    with VideoReader(EXAMPLE_CLIP) as reader:
        return [frame.image for frame, _ in zip(reader, range(COUNT), strict=False)]


@pytest.fixture(scope="module")
def tracked(tiny_model: DeformableDETR, images: list[np.ndarray]) -> list[FrameTracks]:
    return list(stream(images, tiny_model, TRACKER, score=0.3))


def test_images_a_clip_and_its_log_have_the_same_tracks(
    tiny_model: DeformableDETR, tracked: list[FrameTracks], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("log") / "clip.tracks.jsonl"
    config = RunConfig(tracker=TRACKER, score=0.3, detect_every=1, end_seconds=Fraction(COUNT, 25))
    track_video(EXAMPLE_CLIP, tiny_model, log=path, config=config)
    clip = stream(EXAMPLE_CLIP, tiny_model, TRACKER, score=0.3)
    assert clip.class_names == tiny_model.class_names
    begun: set[int] = set()  # a log has a track's first sight too, which comes before the track is confirmed
    for image, frame, logged in zip(tracked, clip, TrackLog.load(path), strict=False):
        assert image.ids.tolist() == frame.ids.tolist()
        assert np.array_equal(image.boxes_xyxy, frame.boxes_xyxy)
        seen = logged[logged.states == 0]
        assert set(seen.ids.tolist()) & begun <= set(frame.ids.tolist())
        begun |= set(seen.ids.tolist())
        seen = seen[np.isin(seen.ids, frame.ids)]
        rows = [frame.ids.tolist().index(identity) for identity in seen.ids.tolist()]
        assert frame.boxes_xyxy[rows] == pytest.approx(seen.boxes_xyxy, abs=0.06)  # a log has tenths of pixels
    assert sum(map(len, tracked)) > 0


def test_tracks_come_before_the_next_frame_is_asked_for(tiny_model: DeformableDETR, images: list[np.ndarray]) -> None:
    asked = []

    def camera():
        for number, image in enumerate(images):
            asked.append(number)
            yield image

    tracks = stream(camera(), tiny_model, TRACKER, frames_per_second=Fraction(30000, 1001))
    assert asked == []
    assert next(tracks).index == 0 and asked == [0]
    assert next(tracks).seconds == Fraction(1001, 30000)


def test_wrong_frames_are_one_line(tiny_model: DeformableDETR, images: list[np.ndarray]) -> None:
    wrong = {
        r"frame 1 is uint8 \(272, 640\)": [images[0], images[0][..., 0]],
        "frame 0 is float32": [images[0].astype(np.float32)],
        r"frame 1 is \(270, 640, 3\), those before \(272, 640, 3\)": [images[0], images[0][2:]],
    }
    for said, frames in wrong.items():
        with pytest.raises(UsageError, match=said):
            list(stream(frames, tiny_model))
    with pytest.raises(UsageError, match="frames_per_second is 0"):
        list(stream(images, tiny_model, frames_per_second=0))
    with pytest.raises(UsageError, match="unknown tracker 'best'"):
        stream(images, tiny_model, "best")
    with pytest.raises(UsageError, match="no class 'unicorn'"):
        stream(images, tiny_model, classes=["unicorn"])
