"""Identities in made-up scenes: crossings, occlusions, flickers, class flips, time, resets, long runs."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import fields, replace

import numpy as np
import pytest

from tests.tracking.scenes import Actor, detect, look, play, straight
from vidtrack.core.class_names import class_kinds
from vidtrack.core.detections import Detections
from vidtrack.core.errors import UsageError
from vidtrack.tracking.association import Associator
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.state import TrackQueryOutput

CONFIG = TrackerConfig(mode="association")


@pytest.mark.parametrize("frames_per_second", [7, 15, 30, 60])
def test_crossing_objects_keep_their_ids(frames_per_second):
    actors = [Actor(straight(100, 200, 60)), Actor(straight(400, 220, -60)), Actor(straight(250, 500, 0, -70))]
    story = play(Associator(CONFIG), actors, frames_per_second, 5.0)
    for i in range(3):
        assert len(story.ids_of(i)) == 1
    assert story.all_ids == [1, 2, 3]


@pytest.mark.parametrize("frames_per_second", [10, 30])
@pytest.mark.parametrize("gap", [0.5, 1.0, 2.0])
def test_hidden_while_walking_comes_back_with_its_id(frames_per_second, gap):
    actors = [Actor(straight(100, 200, 40), hidden=((2.0, 2.0 + gap),)), Actor(straight(100, 500, 40))]
    story = play(Associator(CONFIG), actors, frames_per_second, 6.0)
    assert story.ids_of(0) == {1} or story.ids_of(0) == {2}
    assert len(story.all_ids) == 2


@pytest.mark.parametrize("stride", [1, 2, 5, 10])
def test_patience_is_in_seconds_whatever_the_stride(stride):
    actors = [Actor(straight(100, 200), hidden=((2.0, 3.6),)), Actor(straight(300, 200), hidden=((2.0, 4.6),))]
    story = play(Associator(CONFIG), actors, 30 / stride, 8.0)
    assert len(story.ids_of(0)) == 1
    assert len(story.ids_of(1)) == 2


def test_hidden_and_slowing_down_comes_back_with_its_id():
    """When it is seen again its box does not touch the one motion expects."""

    def path(seconds: float) -> tuple[float, float]:
        return (100 + 60 * min(seconds, 2.2) + 10 * max(0.0, seconds - 2.2), 200.0)

    actors = [Actor(path, hidden=((2.0, 3.4),)), Actor(straight(100, 500, 40))]
    assert len(play(Associator(CONFIG), actors, 10, 6.0).ids_of(0)) == 1
    strict = replace(CONFIG, recovery_gate_sigma=1e-3)
    assert len(play(Associator(strict), actors, 10, 6.0).ids_of(0)) == 2


def test_a_stranger_nearby_is_not_taken_for_the_lost_one():
    leaves = Actor(straight(100, 200), hidden=((2.0, 99.0),))
    arrives = Actor(straight(250, 200), hidden=((0.0, 3.0),))
    story = play(Associator(CONFIG), [leaves, arrives], 10, 5.0)
    assert story.ids_of(0) == {1} and story.ids_of(1) == {2}


def test_a_dim_spell_is_bridged_by_the_second_chance():
    def scores(seconds: float) -> float:
        return 0.2 if 1.0 <= seconds < 4.0 else 0.8

    actors = [Actor(straight(100, 200, 50), scores=scores)]
    story = play(Associator(CONFIG), actors, 10, 6.0)
    assert story.all_ids == [1]
    assert all(len(tracked) == 1 for tracked in story.tracked[2:])
    strict = replace(CONFIG, low_score=0.3)
    assert play(Associator(strict), actors, 10, 6.0).all_ids == [1, 2]


def test_ids_count_from_one_in_order_of_appearance():
    actors = [Actor(straight(100 + 120 * i, 200), hidden=((0.0, 0.5 * (5 - i)),)) for i in range(5)]
    story = play(Associator(CONFIG), actors, 10, 5.0)
    assert story.all_ids == [1, 2, 3, 4, 5]
    assert [story.ids_of(i) for i in range(5)] == [{5}, {4}, {3}, {2}, {1}]


def test_class_flips_are_settled_by_the_track():
    def labels(seconds: float) -> int:
        return 2 if round(seconds * 10) % 4 == 3 else 1

    story = play(Associator(CONFIG, num_classes=3), [Actor(straight(100, 200, 30), labels=labels)], 10, 4.0)
    assert story.all_ids == [1]
    assert {int(label) for tracked in story.tracked for label in tracked.classes} == {1}


def test_neighbours_of_other_classes_do_not_swap():
    actors = [Actor(straight(100, 200, 40), label=0), Actor(straight(300, 203, -40), label=1)]
    story = play(Associator(CONFIG, num_classes=2), actors, 10, 5.0)
    assert len(story.ids_of(0)) == len(story.ids_of(1)) == 1


def test_a_track_goes_on_as_a_class_it_may_be_taken_for_and_never_as_another():
    kinds = class_kinds(["person", "car", "truck"])
    for later, ids in ((2, [1]), (0, [1, 2])):
        actor = Actor(straight(100, 200, 30), labels=lambda seconds, later=later: later if seconds > 1 else 1)
        assert play(Associator(CONFIG, 3, kinds), [actor], 10, 4.0).all_ids == ids


def test_a_rider_is_found_although_the_horse_was_found_first():
    horse, rider = Actor(straight(100, 200)), Actor(straight(110, 190), hidden=((0.0, 1.0),), label=1)
    for names, count in ((["horse", "person"], 2), (["horse", "cow"], 1)):
        story = play(Associator(CONFIG, 2, class_kinds(names)), [horse, rider], 10, 3.0)
        assert len(story.all_ids) == count


def test_a_class_is_kept_over_a_gap_in_which_all_votes_fade():
    associator = Associator(CONFIG, 2)
    parked = Detections.of(np.array([[10.0, 10, 30, 50]]), np.array([0.9]), np.array([1]))
    for day in range(3):
        shown = associator.step(parked, day * 86400.0)
        assert (shown.ids.tolist(), shown.classes.tolist()) == ([1], [1])


def test_twenty_thousand_classes_cost_no_memory_for_their_pairs():
    tracemalloc.start()
    try:
        Associator(CONFIG, 20_000, class_kinds([f"class {i}" for i in range(20_000)]))
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


def test_boxes_without_a_width_are_nowhere_near_anything():
    associator, still = Associator(CONFIG), Detections.of(np.array([[10.0, 10, 10, 50]]), np.array([0.9]))
    shown = [associator.step(still, frame / 25).ids.tolist() for frame in range(3)]  # no warning of a division by 0
    assert shown == [[1], [2], [3]]


def test_reset_starts_over():
    associator = Associator(CONFIG)
    actors = [Actor(straight(100, 200, 30)), Actor(straight(400, 200, -30))]
    first = play(associator, actors, 10, 3.0)
    associator.reset()
    second = play(associator, actors, 10, 3.0)
    for a, b in zip(first.tracked, second.tracked, strict=True):
        assert a.ids.tolist() == b.ids.tolist()
        np.testing.assert_array_equal(a.boxes_xyxy, b.boxes_xyxy)


def test_the_start_time_does_not_matter():
    actors = [Actor(straight(100, 200, 30), hidden=((1.0, 2.0),)), Actor(straight(400, 200, -30))]
    here = play(Associator(CONFIG), actors, 10, 4.0, seed=None)
    moved = [replace(a, path=lambda t, p=a.path: p(t - 3600)) for a in actors]
    moved = [replace(a, hidden=tuple((s + 3600, e + 3600) for s, e in a.hidden)) for a in moved]
    there = play(Associator(CONFIG), moved, 10, 4.0, seed=None, start=3600.0)
    for a, b in zip(here.tracked, there.tracked, strict=True):
        assert a.ids.tolist() == b.ids.tolist()


def test_time_must_not_run_backwards():
    associator = Associator(CONFIG)
    associator.step(detect([Actor(straight(0, 0))], 1.0)[0], 1.0)
    with pytest.raises(UsageError, match="reset between clips"):
        associator.step(detect([Actor(straight(0, 0))], 0.5)[0], 0.5)


def test_frames_without_detections():
    associator = Associator(CONFIG)
    nothing = Detections.of(np.zeros((0, 4)), np.zeros(0))
    assert len(associator.step(nothing, 0.0)) == 0
    play(associator, [Actor(straight(100, 200))], 10, 1.0, start=0.1)
    for i in range(40):
        assert len(associator.step(nothing, 2.0 + i / 10)) == 0
    assert len(associator.tracks) == 0


def test_a_carried_query_keeps_a_track_the_detector_missed():
    associator = Associator(CONFIG)
    actor = Actor(straight(100, 200, 30))
    nothing = Detections.of(np.zeros((0, 4)), np.zeros(0))
    for i in range(40):
        seconds = i / 10
        found, _ = detect([actor], seconds)
        associator.predict(seconds)
        if i < 10:
            tracked = associator.update(found)
        else:
            tracked = associator.update(nothing, TrackQueryOutput(np.array([0]), found))
            assert tracked.ids.tolist() == [1]


def test_a_carried_query_and_its_detection_are_one_object():
    associator = Associator(CONFIG)
    actors = [Actor(straight(100, 200, 30)), Actor(straight(100, 200, 30))]
    for i in range(20):
        seconds = i / 10
        found, _ = detect(actors[:1], seconds)
        associator.predict(seconds)
        live = associator.tracks is not None and len(associator.tracks) == 1
        nudged = replace(found, boxes_xyxy=found.boxes_xyxy + 6.0)
        tracked = associator.update(found, TrackQueryOutput(np.array([0]), nudged) if live else None)
    assert tracked.ids.tolist() == [1]
    assert len(associator.tracks) == 1


def test_a_carried_query_follows_nobody_who_has_a_track():
    associator = Associator(CONFIG)
    actors = [Actor(straight(100, 200)), Actor(straight(300, 200))]
    both, _ = detect(actors, 0.0)
    for i in range(10):
        associator.step(both, i / 10)
    associator.predict(1.0)
    tracked = associator.update(both[:1], TrackQueryOutput(np.array([1]), both[:1]))
    assert tracked.ids.tolist() == [1]


def test_memory_and_time_stay_flat_over_a_long_video():
    rng = np.random.default_rng(0)
    associator = Associator(CONFIG, num_classes=4)
    sizes, halves = [], []
    for half in range(2):
        begin = time.process_time()
        for i in range(1500):
            frame = 1500 * half + i
            seconds = frame / 10
            centres = np.array([[(37 * k + 3 * frame) % 1900, 100 + 90 * k] for k in range(8)], dtype=float)
            boxes = np.concatenate([centres - 20, centres + 20], axis=1) + rng.normal(size=(8, 4))
            associator.step(Detections.of(boxes, rng.uniform(0.3, 1, 8), np.arange(8) % 4), seconds)
            tracks = associator.tracks
            sizes.append(sum(getattr(tracks, field.name).nbytes for field in fields(tracks)))
        halves.append(time.process_time() - begin)
    assert max(sizes[1500:]) <= 1.5 * max(sizes[:1500])
    assert halves[1] < 2.0 * halves[0]


def test_fifty_tracks_are_linked_within_a_few_milliseconds():
    rng = np.random.default_rng(0)
    actors = [Actor(straight(*rng.uniform(100, 1800, 2), *rng.normal(0, 40, 2)), look=look(i, 128)) for i in range(50)]
    associator, spent = Associator(CONFIG, num_classes=13), []
    for i in range(100):
        found, _ = detect(actors, i / 25, rng)
        begin = time.process_time()
        associator.step(found, i / 25)
        spent.append(time.process_time() - begin)
    assert np.median(spent) < 5e-3  # a quiet core needs a tenth of it
