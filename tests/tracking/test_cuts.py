"""Scene cuts, in real edited footage and against everything that only looks like one."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest

from tests.media import EXAMPLE_CLIP
from vidtrack import RunConfig, TrackerConfig, TrackLog, track_video
from vidtrack.core.types import ObjectState
from vidtrack.model.detector import DeformableDETR
from vidtrack.tracking.cuts import CutDetector, thumbnail_gray
from vidtrack.tracklog import line_schema
from vidtrack.video import ReadConfig, VideoReader

CUTS = [30, 76, 137, 187, 242]  # of the example clip, found by eye
TRUCK = slice(80, 106)  # it fills the image for a while


@functools.cache
def example() -> np.ndarray:
    with VideoReader(EXAMPLE_CLIP) as reader:
        return np.stack([frame.image for frame in reader])


def cuts_in(images: Iterable[np.ndarray]) -> list[int]:
    detector = CutDetector()
    return [index for index, image in enumerate(images) if detector.is_cut(thumbnail_gray(image))]


def test_the_cuts_of_the_example_clip_and_no_others():
    assert cuts_in(example()) == CUTS


@pytest.mark.parametrize("stride", [2, 5, 10])
def test_a_stride_changes_nothing(stride):
    frames = example()[::stride]
    assert cuts_in(frames) == [-(-cut // stride) for cut in CUTS if cut <= 250 - stride]


@pytest.mark.parametrize("size", [(1920, 816), (96, 64), (272, 640)], ids=str)
def test_any_size_of_picture(size):
    assert cuts_in(cv2.resize(image, size) for image in example()[10:90]) == [20, 66]


def test_every_pair_of_shots_joined_is_a_cut():
    shots = [example()[at] for at in (15, 40, 110, 160, 200, 246)]
    joined = [shot for first in shots for second in shots if second is not first for shot in (first, second)]
    cuts = cuts_in(joined)
    assert all(index in cuts for index in range(1, len(joined), 2))


def test_a_passing_truck_is_no_cut():
    assert cuts_in(example()[TRUCK]) == []


@pytest.mark.parametrize("gain, offset", [(1.8, 30), (1.2, 80), (0.4, 0), (0.6, 60)])
def test_a_flash_is_no_cut(gain, offset):
    frames = example()[140:150].astype(np.float32)
    frames[4:6] = frames[4:6] * gain + offset
    assert cuts_in(np.clip(frames, 0, 255).astype(np.uint8)) == []


@pytest.mark.parametrize("level", [0, 255])
def test_a_blank_picture_is_no_cut_and_hides_none(level):
    blank = np.full_like(example()[:3], level)
    assert cuts_in([*example()[140:143], *blank, *example()[146:149]]) == []
    assert cuts_in([*example()[140:143], *blank, *example()[190:193]]) == [6]


@pytest.mark.parametrize("speed", [0.03, 0.1, 0.18])
def test_a_fast_pan_is_no_cut(speed):
    for still in example()[[40, 110, 160, 200]]:
        width = still.shape[1] // 2
        places = np.arange(0, width, speed * width).astype(int)
        assert cuts_in(np.ascontiguousarray(still[:, x : x + width]) for x in places) == []


def test_a_zoom_is_no_cut():
    still = example()[160]
    height, width = still.shape[:2]
    frames = []
    for share in np.linspace(1.0, 0.4, 15):
        h, w = int(height * share), int(width * share)
        y, x = (height - h) // 2, (width - w) // 2
        frames.append(cv2.resize(np.ascontiguousarray(still[y : y + h, x : x + w]), (width, height)))
    assert cuts_in(frames) == []


def test_after_reset_the_first_frame_is_no_cut():
    detector = CutDetector()
    detector.is_cut(thumbnail_gray(example()[0]))
    detector.reset()
    assert not detector.is_cut(thumbnail_gray(example()[100]))


def tracked(folder: Path, model: DeformableDETR, **choices: bool) -> TrackLog:
    """Frames 20 to 80 of the example clip with a network that finds objects in anything."""
    tracker = TrackerConfig(low_score=0.1, **choices)
    config = RunConfig(tracker=tracker, score=0.3, start_seconds=Fraction("0.8"), end_seconds=Fraction("3.2"))
    track_video(EXAMPLE_CLIP, model, log=folder / "out.jsonl", config=config, overwrite=True)
    return TrackLog.load(folder / "out.jsonl")


def test_no_identity_crosses_a_cut_and_the_log_says_where_it_is(tiny_model: DeformableDETR, tmp_path: Path) -> None:
    log = tracked(tmp_path, tiny_model)
    assert [(event.kind, event.index) for event in log.events] == [("cut", 30), ("cut", 76)]
    validator = jsonschema.Draft202012Validator(line_schema())
    for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines():
        validator.validate(json.loads(line))
    shots = np.searchsorted([30, 76], log.frame_indices[log.frame_rows], side="right")
    ids = [set(log.ids[shots == shot].tolist()) for shot in range(3)]
    assert all(ids) and not (ids[0] & ids[1] or ids[1] & ids[2] or ids[0] & ids[2])
    assert set(log.states.tolist()) == {ObjectState.DETECTED, ObjectState.INTERPOLATED}
    without = tracked(tmp_path, tiny_model, scene_cuts=False)
    assert without.events == [] and len(without.summaries) < len(log.summaries)


@pytest.mark.shared
def test_no_cut_in_continuous_footage() -> None:
    data = Path(os.environ["VIDTRACK_SHARED"]) / "data"
    clips = [*data.glob("clips/*.mp4"), *data.glob("mot15/*/*.mp4")]
    assert len(clips) == 5
    for clip in clips:
        with VideoReader(clip) as reader:
            assert cuts_in(frame.image for frame in reader) == [], clip.name


@pytest.mark.shared
def test_footage_joined_is_cut_where_it_was_joined() -> None:
    data = Path(os.environ["VIDTRACK_SHARED"]) / "data"
    starts = []
    for clip in sorted([*data.glob("clips/*.mp4"), *data.glob("mot15/*/*.mp4")]):
        with VideoReader(clip, ReadConfig(start_seconds=Fraction(5))) as reader:
            starts.append([frame.image for frame, _ in zip(reader, range(6), strict=False)])
    for first in starts:
        for second in starts:
            if first is not second:
                assert cuts_in([*first, *second]) == [6]
