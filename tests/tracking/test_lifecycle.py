"""Which detections start a track, when it gets its id, and when it ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.tracking.scenes import Actor, play, straight
from vidtrack.core.detections import Detections
from vidtrack.tracking.association import Associator
from vidtrack.tracking.config import TrackerConfig

CONFIG = TrackerConfig(mode="association")


def test_hidden_for_longer_than_the_patience_is_someone_new():
    actors = [Actor(straight(100, 200), hidden=((2.0, 4.5),))]
    assert play(Associator(CONFIG), actors, 10, 6.0).all_ids == [1, 2]
    patient = replace(CONFIG, max_age_seconds=3.0)
    assert play(Associator(patient), actors, 10, 6.0).all_ids == [1]


def test_dim_detections_start_nothing():
    assert play(Associator(CONFIG), [Actor(straight(100, 200), score=0.3)], 10, 2.0).all_ids == []


def test_a_single_flash_gets_no_id_and_uses_none_up():
    flash = Actor(straight(600, 200), hidden=((0.0, 1.0), (1.05, 99.0)))
    late = Actor(straight(300, 200), hidden=((0.0, 2.0),))
    story = play(Associator(CONFIG), [Actor(straight(100, 200)), flash, late], 10, 4.0)
    assert story.ids_of(1) == set()
    assert story.ids_of(0) == {1} and story.ids_of(2) == {2}


def test_a_very_sure_object_is_there_from_its_first_frame():
    sure = play(Associator(CONFIG), [Actor(straight(100, 200), score=0.95)], 10, 1.0)
    unsure = play(Associator(CONFIG), [Actor(straight(100, 200), score=0.7)], 10, 1.0)
    assert len(sure.tracked[0]) == 1 and len(unsure.tracked[0]) == 0 and len(unsure.tracked[1]) == 1


def test_duplicates_and_fragments_get_no_id():
    def doubled(seconds: float) -> Detections:
        return Detections.of(
            np.array([[100, 100, 140, 200], [102, 101, 141, 203], [103, 110, 138, 185]], dtype=float),
            np.array([0.8, 0.85, 0.6]),
        )

    associator = Associator(CONFIG)
    for i in range(20):
        tracked = associator.step(doubled(i / 10), i / 10)
    assert tracked.ids.tolist() == [1]


def test_a_part_of_an_object_gets_no_id_but_a_small_one_elsewhere_does():
    def found(label: int, shift: float) -> Detections:
        whole, part = [100, 100, 220, 400], [130 + shift, 120, 180 + shift, 220]
        return Detections.of(np.array([whole, part], dtype=float), np.array([0.9, 0.6]), np.array([0, label]))

    for label, shift, expected in ((0, 0.0, [1]), (1, 0.0, [1, 2]), (0, 60.0, [1, 2])):
        associator = Associator(CONFIG, num_classes=2)
        for i in range(10):
            tracked = associator.step(found(label, shift), i / 10)
        assert tracked.ids.tolist() == expected


def test_max_tracks_keeps_the_surest():
    actors = [Actor(straight(100 * i, 200), score=0.5 + 0.04 * i) for i in range(10)]
    associator = Associator(replace(CONFIG, max_tracks=3))
    story = play(associator, actors, 10, 1.0)
    assert len(associator.tracks) == 3
    assert [i for i in range(10) if story.ids_of(i)] == [7, 8, 9]
