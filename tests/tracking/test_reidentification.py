"""Identities given back by colour: people who hid for long, came out elsewhere, or were mixed up when they met."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from vidtrack.core.detections import Detections
from vidtrack.core.state_io import pack, unpack
from vidtrack.core.types import Exchange, Frame, FrameTracks
from vidtrack.tracking.appearance import LENGTH
from vidtrack.tracking.association_tracker import AssociationTracker
from vidtrack.tracking.config import HindsightConfig, TrackerConfig
from vidtrack.tracking.given_detections import GivenDetections
from vidtrack.tracking.hindsight import Hindsight
from vidtrack.tracking.reidentification import exchange, note_contacts
from vidtrack.tracking.state import Tracks

RED, BLUE, GREEN, GREY = (200, 30, 30), (30, 30, 200), (30, 160, 30), (120, 120, 120)
CONFIG = TrackerConfig(camera_motion=False, scene_cuts=False)
RATE, GONE, BACK, END = 10, 15, 45, 60


def hides(index: int, after: tuple[int, int, int]) -> tuple[np.ndarray, Detections]:
    """Blue stands there; red walks to the right, hides for three seconds and comes out to the left, or `after` does."""
    blue = np.array([320, 50, 360, 150])
    x = 40 + 5 * index if index < GONE else 115 - 5 * (index - BACK)
    other = np.array([x, 50, x + 40, 150])
    image = np.full((200, 400, 3), GREY, np.uint8)
    seen = [(blue, BLUE)] + [(other, RED if index < GONE else after)] * (index < GONE or index >= BACK)
    for (left, top, right, bottom), colour in seen:
        image[top:bottom, left:right] = colour
    return image, Detections.of(np.array([box for box, _ in seen], np.float64), np.full(len(seen), 0.8))


def ids_on_the_left(after: tuple[int, int, int], config: TrackerConfig = CONFIG, save_at: int = -1) -> list[int]:
    """The ids that the log shows left of the middle, frame by frame, 0 for none."""
    names = GivenDetections(("person",))
    tracker, hindsight = AssociationTracker(names, config, np.ones(1, bool)), Hindsight(HindsightConfig())
    done: list[FrameTracks] = []
    for index in range(END):
        if index == save_at:
            saved = unpack(pack({"tracker": tracker.state()}))["tracker"]
            tracker = AssociationTracker(names, config, np.ones(1, bool))
            tracker.restore(saved)
        image, found = hides(index, after)
        shown = tracker.step(found, Frame(index, index, Fraction(1, RATE), image))
        done += hindsight.push(shown, tracker.earlier, tracker.exchange)
    done += hindsight.flush()
    return [next(iter(one.ids[one.boxes_xyxy[:, 0] < 200].tolist()), 0) for one in done]


@pytest.mark.parametrize("save_at", [-1, GONE + 5, BACK + 1])
def test_who_hid_for_three_seconds_and_turned_back_keeps_the_id_in_every_frame(save_at: int) -> None:
    ids = ids_on_the_left(RED, save_at=save_at)
    assert ids[5] in (1, 2)
    assert ids == [ids[5]] * GONE + [0] * (BACK - GONE) + [ids[5]] * (END - BACK)


@pytest.mark.parametrize("bystander", [False, True])
def test_two_who_hide_at_once_and_turn_back_keep_their_ids_with_or_without_a_bystander(bystander: bool) -> None:
    tracker, hindsight = (
        AssociationTracker(GivenDetections(("person",)), CONFIG, np.ones(1, bool)),
        Hindsight(HindsightConfig()),
    )
    done: list[FrameTracks] = []
    for index in range(30):
        step = index if index < 13 else 30 - index  # hidden from 13 to 16
        people = [(100 + 10 * step, RED), (400 - 10 * step, BLUE)] * (not 13 <= index < 17)
        people += [(550, GREEN)] * bystander
        image = np.full((200, 600, 3), GREY, np.uint8)
        for left, colour in people:
            image[50:150, left : left + 40] = colour
        boxes = np.array([[left, 50, left + 40, 150] for left, _ in people], np.float64).reshape(-1, 4)
        found = Detections.of(boxes, np.full(len(people), 0.8))
        shown = tracker.step(found, Frame(index, index, Fraction(1, RATE), image))
        done += hindsight.push(shown, tracker.earlier, tracker.exchange)
    done += hindsight.flush()
    assert [one.ids[one.boxes_xyxy[:, 0] < 250].tolist() for one in done] == [[1]] * 30  # the gap is filled


@pytest.mark.parametrize(
    ("after", "config"),
    [(GREEN, CONFIG), (RED, replace(CONFIG, appearance_weight=0.0)), (RED, replace(CONFIG, reidentify_seconds=2.0))],
)
def test_another_one_and_one_whose_colours_are_forgotten_are_new(
    after: tuple[int, int, int], config: TrackerConfig
) -> None:
    ids = ids_on_the_left(after, config)
    assert ids[END - 1] == 3
    assert ids[5] != 3


Look = Callable[[np.ndarray], np.ndarray]


def met(distance: float = 50.0) -> tuple[Tracks, Look, Look]:
    """Two settled tracks that met 0.2 s ago, `distance` apart, with the looks they had before, and those swapped."""
    boxes = np.array([[0.0, 0, 40, 100], [distance, 0, distance + 40, 100]])
    tracks = Tracks.born(Detections.of(boxes, np.ones(2)), 1, 0.0)
    looks = np.eye(2, LENGTH, dtype=np.float32)
    tracks.ids[:], tracks.settled_colours[:] = [1, 2], looks
    for seconds, clear in ((4.8, False), (5.0, True)):
        tracks.seen_seconds[:] = seconds
        note_contacts(tracks, np.arange(2), np.full(2, clear), np.zeros(2), seconds)
    return tracks, lambda which: looks[which], lambda which: looks[::-1][which]


def partly(look: Look, share: float) -> Look:
    """Looks that agree with those of `look` by `share`."""
    other = np.eye(1, LENGTH, 2, dtype=np.float32) * np.sqrt(1 - share**2)
    return lambda which: share * look(which) + other


def test_two_who_were_mixed_up_get_their_ids_back() -> None:
    tracks, _, swapped = met()
    assert exchange(tracks, np.arange(2), swapped, 5.0) is None  # one sighting may be wrong
    assert exchange(tracks, np.arange(2), swapped, 5.1) == Exchange(1, 2, pytest.approx(4.8, abs=1e-5))
    assert tracks.ids.tolist() == [2, 1]
    assert exchange(tracks, np.arange(2), swapped, 5.1) is None


def test_sightings_in_quick_succession_are_one() -> None:
    tracks, _, swapped = met()
    assert [exchange(tracks, np.arange(2), swapped, seconds) for seconds in (5.0, 5.02, 5.04)] == [None] * 3
    assert exchange(tracks, np.arange(2), swapped, 5.08) is not None


@pytest.mark.parametrize(("share", "same"), [(0.75, False), (0.85, True)])
def test_who_looks_less_unlike_another_is_not_him_yet(share: float, same: bool) -> None:
    tracks, _, swapped = met()
    done = [exchange(tracks, np.arange(2), partly(swapped, share), seconds) for seconds in (5.0, 5.1)]
    assert (done[1] is not None) == same


def test_a_suspicion_about_another_pair_does_not_count() -> None:
    tracks, _, swapped = met()
    assert exchange(tracks, np.arange(2), swapped, 5.0) is None
    tracks.suspected_ids[:] = [3, 1]
    assert exchange(tracks, np.arange(2), swapped, 5.1) is None
    assert tracks.ids.tolist() == [1, 2]


@pytest.mark.parametrize(("distance", "seconds", "alike"), [(50.0, 5.0, True), (500.0, 5.0, False), (50.0, 5.5, False)])
def test_ids_stay_if_colours_agree_or_the_tracks_met_long_ago_or_are_apart(
    distance: float, seconds: float, alike: bool
) -> None:
    tracks, own, swapped = met(distance)
    for now in (seconds, seconds + 0.1):
        tracks.seen_seconds[:] = now
        assert exchange(tracks, np.arange(2), own if alike else swapped, now) is None
    assert tracks.ids.tolist() == [1, 2]


def test_frames_that_wait_are_corrected_from_the_moment_of_the_mix_up() -> None:
    def frame(index: int, ids: list[int]) -> FrameTracks:
        boxes = np.array([[0.0, 0, 40, 100], [90, 0, 130, 100]], np.float32)
        none, scores = np.zeros(2, np.int64), np.ones(2, np.float32)
        return FrameTracks(index, index, Fraction(1, 10), np.array(ids), none, scores, boxes, none)

    hindsight, done = Hindsight(HindsightConfig(seconds=0.5)), []
    for index in range(12):
        mixed = Exchange(1, 2, 0.6) if index == 9 else None
        done += hindsight.push(frame(index, [2, 1] if index in (7, 8) else [1, 2]), None, mixed)
    done += hindsight.flush()
    for one in done:
        assert one.boxes_xyxy[one.ids.argsort(), 0].tolist() == [0, 90]
