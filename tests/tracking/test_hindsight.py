from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import msgspec
import numpy as np

from vidtrack.core.state_io import pack, unpack
from vidtrack.core.types import FrameTracks, ObjectState
from vidtrack.tracking.config import HindsightConfig
from vidtrack.tracking.hindsight import Hindsight, HindsightState

RATE = Fraction(10)
CONFIG = HindsightConfig(seconds=0.5, min_seconds=0.15, sure_score=0.7)


def frame(index: int, *objects: tuple[int, int, float]) -> FrameTracks:
    """A frame at 10 per second with objects of (id, class, score)."""
    ids, classes, scores = (np.array(column) for column in zip(*objects, strict=True)) if objects else ([], [], [])
    boxes = np.full((len(objects), 4), float(index))
    return FrameTracks(
        index,
        index,
        1 / RATE,
        np.array(ids, np.int64),
        np.array(classes, np.int64),
        np.array(scores, np.float32),
        boxes.astype(np.float32),
        np.zeros(len(objects), np.int64),
    )


def revise(frames: list[FrameTracks], earlier: dict[int, FrameTracks] | None = None) -> list[FrameTracks]:
    hindsight = Hindsight(CONFIG)
    done = [out for one in frames for out in hindsight.push(one, (earlier or {}).get(one.index))]
    return [*done, *hindsight.flush()]


def seen(frames: list[FrameTracks]) -> list[list[int]]:
    return [one.ids.tolist() for one in frames]


def test_a_track_begins_where_it_was_first_seen() -> None:
    frames = [frame(0), *(frame(n, (1, 0, 0.6)) for n in range(1, 9))]
    first = frame(0, (1, 0, 0.5))
    done = revise(frames, {1: first})
    assert seen(done) == [[1]] * 9
    np.testing.assert_array_equal(done[0].boxes_xyxy, first.boxes_xyxy)


def test_a_track_has_one_class_however_its_frames_disagree() -> None:
    kinds = [2, 1, 1, 2, 1, 1, 2, 2, 2, 2, 2, 2]
    done = revise([frame(n, (1, kind, 0.6)) for n, kind in enumerate(kinds)])
    assert {int(one.classes[0]) for one in done} == {1}


def test_a_track_seen_briefly_is_left_out_and_ids_have_no_holes() -> None:
    frames = [frame(n, (2, 0, 0.6)) if n > 2 else frame(n, (1, 0, 0.5)) if n < 2 else frame(n) for n in range(12)]
    assert seen(revise(frames)) == [[], [], [], *[[1]] * 9]


def test_a_sure_detection_is_believed_however_briefly_it_is_seen() -> None:
    frames = [frame(n, (1, 0, 0.9)) if n == 3 else frame(n) for n in range(12)]
    assert seen(revise(frames))[3] == [1]


def test_a_track_that_comes_back_is_believed_from_then_on() -> None:
    frames = [frame(n, (1, 0, 0.5)) if n == 0 or n > 6 else frame(n) for n in range(14)]
    assert seen(revise(frames)) == [*[[]] * 7, *[[1]] * 7]


def test_tracks_at_the_end_of_a_clip_get_the_benefit_of_the_doubt() -> None:
    frames = [frame(n, (1, 0, 0.5)) if n == 9 else frame(n) for n in range(10)]
    assert seen(revise(frames))[9] == [1]


def test_a_track_that_was_away_shortly_is_interpolated() -> None:
    away = {3, 4, 5}
    done = revise([frame(n) if n in away else frame(n, (1, 3, 0.9 if n < 3 else 0.8)) for n in range(12)])
    assert seen(done) == [[1]] * 12
    for n, one in enumerate(done):
        np.testing.assert_allclose(one.boxes_xyxy[0], n, atol=1e-5)
        assert one.states[0] == (ObjectState.INTERPOLATED if n in away else ObjectState.DETECTED)
    assert done[4].classes[0] == 3
    np.testing.assert_allclose(done[4].scores, [0.8])


def test_a_longer_gap_stays_a_gap() -> None:
    done = revise([frame(n) if 3 <= n < 9 else frame(n, (1, 0, 0.9)) for n in range(16)])
    assert seen(done) == [*[[1]] * 3, *[[]] * 6, *[[1]] * 7]


def test_ids_are_numbered_in_the_order_of_appearance() -> None:
    frames = [frame(n, (7, 0, 0.6), *([(3, 0, 0.6)] if n > 1 else [])) for n in range(10)]
    assert seen(revise(frames)) == [[1], [1], *[[1, 2]] * 8]


def test_memory_ends_with_the_tracks() -> None:
    hindsight = Hindsight(CONFIG)
    for n in range(3000):
        list(hindsight.push(frame(n, (n // 10 + 1, 0, 0.6))))
    assert len(hindsight.state().tracks) < 20


def test_a_restored_state_continues_as_if_nothing_had_happened() -> None:
    frames = [frame(n, (1 + n // 6, n % 2, 0.6)) for n in range(30)]
    whole = revise(frames)
    first, second = Hindsight(CONFIG), Hindsight(CONFIG)
    done = [out for one in frames[:13] for out in first.push(one)]
    second.restore(msgspec.convert(unpack(pack({"held": first.state()}))["held"], HindsightState))
    done += [out for one in frames[13:] for out in second.push(one)]
    done += second.flush()
    for a, b in zip(done, whole, strict=True):
        assert (a.index, a.ids.tolist(), a.classes.tolist()) == (b.index, b.ids.tolist(), b.classes.tolist())


def test_a_frame_that_is_no_longer_held_stays_as_it_was() -> None:
    hindsight = Hindsight(replace(CONFIG, seconds=0.1))
    frames = [frame(n, (1, 0, 0.9)) for n in range(6)]
    done = [out for one in frames for out in hindsight.push(one)]
    list(hindsight.push(frame(6, (2, 0, 0.9)), frame(0, (2, 0, 0.9))))
    assert seen(done)[0] == [1]
