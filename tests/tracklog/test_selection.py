from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tests.tracklog.logs import any_header
from vidtrack.core.errors import UsageError
from vidtrack.tracklog import TrackLog, select, track_classes
from vidtrack.tracklog.summary import summarise

# frame: identities; track 1 is a person in frames 0 to 3, track 2 a car in 1 and 3, track 5 a person in 4
FRAMES = [[1], [1, 2], [1], [1, 2], [5], []]
CLASSES = {1: 0, 2: 1, 5: 0}


def log(frames: list[list[int]] = FRAMES) -> TrackLog:
    ids = [identity for frame in frames for identity in frame]
    made = TrackLog(
        header=any_header(["person", "car", "dog"], Fraction(1001, 30000)),
        frame_indices=np.arange(len(frames)),
        frame_pts=np.arange(len(frames)),
        offsets=np.cumsum([0, *map(len, frames)]),
        ids=np.array(ids, np.int64),
        classes=np.array([CLASSES[identity] for identity in ids], np.int64),
        scores=np.linspace(0.3, 0.8, len(ids), dtype=np.float32),
        boxes_xyxy=np.arange(4.0 * len(ids), dtype=np.float32).reshape(-1, 4),
        states=np.zeros(len(ids), np.int64),
        events=[],
        summaries=[],
        footer=None,
    )
    return replace(made, summaries=summarise(made))


def identities(chosen: TrackLog) -> list[list[int]]:
    return [frame.ids.tolist() for frame in chosen]


def test_all_is_all() -> None:
    assert identities(select(log())) == FRAMES


def test_by_identity_every_frame_stays_and_boxes_stay_with_their_frame() -> None:
    chosen = select(log(), tracks=[2])
    assert identities(chosen) == [[], [2], [], [2], [], []]
    assert chosen.boxes_xyxy[:, 0].tolist() == [8, 20]
    assert [track.identity for track in chosen.summaries] == [2]


def test_by_class_as_a_person_writes_it() -> None:
    assert identities(select(log(), classes=["Person"])) == [[1], [1], [1], [1], [5], []]
    assert identities(select(log(), classes=["dog"])) == [[], [], [], [], [], []]


@pytest.mark.parametrize(
    ("seconds", "frames", "kept"),
    [
        (Fraction(4 * 1001, 30000), 0, {1}),
        (Fraction(3 * 1001, 30000), 0, {1, 2}),
        (0, 2, {1, 2}),
        (0, 3, {1}),
        (9, 0, set()),
    ],
)
def test_by_length(seconds: Fraction, frames: int, kept: set[int]) -> None:
    chosen = select(log(), min_seconds=seconds, min_frames=frames)
    assert set(chosen.ids.tolist()) == kept


def test_unknown_names_say_what_there_is() -> None:
    with pytest.raises(UsageError, match=r"no tracks 3, 7 \(it has 1, 2, 5\)"):
        select(log(), tracks=[7, 1, 3])
    with pytest.raises(UsageError, match=r"no class 'persn' \(did you mean person\?\)"):
        select(log(), classes=["persn"])
    with pytest.raises(UsageError, match="no tracks"):
        select(log([[], []]), tracks=[1])


def test_a_class_is_settled_by_the_sum_of_scores() -> None:
    wavering = log([[1], [1], [1]])
    wavering.classes[:] = [1, 1, 0]
    wavering.scores[:] = [0.2, 0.2, 0.9]
    assert track_classes(wavering) == {1: 0}
    assert track_classes(log([])) == {}


def test_an_empty_log_is_no_trouble() -> None:
    assert identities(select(log([[], []]), min_seconds=1, classes=["car"])) == [[], []]
