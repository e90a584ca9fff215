"""Camera motion: known pans, zooms and turns of real images, and what must not be taken for one."""

from __future__ import annotations

import functools

import cv2
import numpy as np
import pytest

from tests.media import EXAMPLE_CLIP
from tests.tracking.scenes import Actor, detect, straight
from vidtrack.core.detections import Detections
from vidtrack.tracking.association import Associator
from vidtrack.tracking.camera_motion import CameraMotion
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.cuts import thumbnail_gray
from vidtrack.video import VideoReader

NOBODY = np.zeros((0, 4))
STILLS = [40, 110, 160, 210]  # one of each shot with something in the background
PASSING = slice(78, 106)  # a truck fills the image in front of a camera that hardly moves
SIZE = (240, 160)  # width, height of the moving view


@functools.cache
def example() -> list[np.ndarray]:
    with VideoReader(EXAMPLE_CLIP) as reader:
        return [thumbnail_gray(frame.image) for frame in reader]


@functools.cache
def still(index: int) -> np.ndarray:
    """A large image to move about in."""
    return cv2.resize(example()[index], None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)


def view(index: int, centre: tuple[float, float], zoom: float = 1.0, degrees: float = 0.0) -> np.ndarray:
    """What a camera that looks at `centre` sees of a still."""
    matrix = cv2.getRotationMatrix2D(centre, degrees, zoom)
    matrix[:, 2] += np.array(SIZE) / 2 - centre
    return cv2.warpAffine(still(index), matrix, SIZE, flags=cv2.INTER_AREA)


def moved(before: np.ndarray, after: np.ndarray, boxes_xyxy: np.ndarray = NOBODY) -> np.ndarray | None:
    camera = CameraMotion()
    assert camera.step(before, NOBODY) is None
    return camera.step(after, boxes_xyxy)


@pytest.mark.parametrize("index", STILLS)
@pytest.mark.parametrize("pan", [(3, 0), (-12, 2), (25, -6)], ids=str)
def test_a_pan_is_measured(index, pan):
    matrix = moved(view(index, (320, 136)), view(index, (320 + pan[0], 136 + pan[1])))
    assert matrix is not None
    centre = matrix @ [SIZE[0] / 2, SIZE[1] / 2, 1]
    np.testing.assert_allclose(centre, [SIZE[0] / 2 - pan[0], SIZE[1] / 2 - pan[1]], atol=0.3)


@pytest.mark.parametrize("zoom, degrees", [(1.06, 0), (0.94, 0), (1.0, 3.0)])
def test_zoom_and_turn_are_measured(zoom, degrees):
    matrix = moved(view(160, (320, 136)), view(160, (320, 136), zoom, degrees))
    assert matrix is not None
    assert np.hypot(matrix[0, 0], matrix[1, 0]) == pytest.approx(zoom, abs=0.005)
    assert np.degrees(np.arctan2(-matrix[1, 0], matrix[0, 0])) == pytest.approx(degrees, abs=0.3)


def test_a_camera_that_stands_still_says_nothing():
    camera = CameraMotion()
    rng = np.random.default_rng(0)
    for _ in range(5):
        noisy = example()[160] + rng.normal(scale=4, size=example()[160].shape)
        assert camera.step(np.clip(noisy, 0, 255).astype(np.uint8), NOBODY) is None


def test_a_truck_that_fills_the_picture_is_no_pan():
    camera = CameraMotion()
    for frame in example()[PASSING]:
        matrix = camera.step(frame, NOBODY)
        assert matrix is None or np.abs(matrix[:, 2]).max() < 3, "the truck moves by 20 pixels a frame"


def test_known_objects_are_left_out():
    before, after = view(160, (320, 136)), view(160, (330, 136))
    for picture, left in ((before, 70), (after, 76)):  # an object on a way of its own
        picture[:, left : left + 100] = view(210, (320, 136))[:, :100]
    matrix = moved(before, after, np.array([[70, 0, 170, 160.0]]))
    assert matrix is not None
    assert matrix[:, 2] == pytest.approx([-10, 0], abs=0.5)
    mistaken = moved(before, after)
    assert mistaken is None or mistaken[0, 2] > 0


def test_nothing_to_hold_on_to():
    blank = np.full((180, 320), 90, np.uint8)
    assert moved(blank, blank) is None
    assert moved(example()[10], blank) is None
    assert moved(example()[10], np.full((90, 160), 90, np.uint8)) is None
    camera = CameraMotion()
    camera.step(view(160, (320, 136)), NOBODY)
    camera.reset()
    assert camera.step(view(160, (330, 136)), NOBODY) is None


@pytest.mark.parametrize("frames_per_second", [10, 30])
def test_a_jerk_of_the_camera_costs_no_identity(frames_per_second):
    def follow(steadied: bool) -> set[int]:
        associator = Associator(TrackerConfig())
        actors = [Actor(straight(200 + 60 * i, 300 + 5 * i, 20)) for i in range(4)]
        ids: list[tuple[int, ...]] = []
        before = 0.0
        for index in range(4 * frames_per_second):
            seconds = index / frames_per_second
            pan = 300 * np.clip((seconds - 1.0) / 0.6, 0, 1)
            found, _ = detect(actors, seconds)
            if steadied and associator.tracks is not None:
                associator.tracks.warp(np.array([[1.0, 0, before - pan], [0, 1.0, 0]]))
            before = pan
            shown = associator.step(Detections.of(found.boxes_xyxy - [pan, 0, pan, 0], found.scores), seconds)
            ids.append(tuple(shown.ids[np.argsort(shown.boxes_xyxy[:, 0])].tolist()))
        return set(ids[1:])

    assert len(follow(steadied=True)) == 1
    assert len(follow(steadied=False)) > 1
