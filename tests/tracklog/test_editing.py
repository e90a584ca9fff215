from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

import pytest

from tests.tracklog.logs import TICKS, made_log, saved
from vidtrack.core.errors import UsageError
from vidtrack.tracklog import Event, TrackLog
from vidtrack.tracklog.editing import drop, merge, relabel, split

BOX = (10.25, 20.5, 30.75, 60.0)
FAR = (110.0, 20.0, 140.0, 70.0)
# 3 is one object in frames 0 to 2 and another from 3 on; 7 comes after it; 5 is beside both
FRAMES: list[Mapping[int, tuple[float, ...]]] = [
    {3: BOX}, {3: BOX, 5: FAR}, {5: FAR}, {3: FAR, 5: BOX}, {3: FAR}, {7: FAR}, {}, {5: BOX, 7: FAR}
]  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return made_log(tmp_path / "clip.tracks.jsonl", FRAMES, {5: 1})


@pytest.fixture
def log(path: Path) -> TrackLog:
    return TrackLog.load(path)


def identities(log: TrackLog) -> list[list[int]]:
    return [frame.ids.tolist() for frame in log]


def test_a_saved_log_is_the_log_to_the_byte(log: TrackLog, path: Path, tmp_path: Path) -> None:
    log.save(tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == path.read_bytes()


def test_merged_tracks_are_one(log: TrackLog, tmp_path: Path) -> None:
    edited = saved(merge(log, [7, 3]), tmp_path / "edited.jsonl")
    assert identities(edited) == [[7], [5, 7], [5], [5, 7], [7], [7], [], [5, 7]]
    assert edited[3].boxes_xyxy.tolist() == [list(BOX), list(FAR)]  # boxes go with their track into the new order
    first, second = edited.summaries
    assert (first.identity, second.identity) == (5, 7)
    assert (second.first.index, second.last.index, second.frames, second.gaps) == (0, 7, 6, 2)
    (edit,) = edited.header.edits
    assert edit.operation == "merge"
    assert edit.details == {"tracks": [7, 3], "into": 7}


def test_tracks_that_are_in_one_frame_are_two_objects(log: TrackLog) -> None:
    with pytest.raises(UsageError, match=r"tracks 3 and 5 overlap in frame 1, at 0.040 s; 2 such frames in total"):
        merge(log, [3, 5])
    with pytest.raises(UsageError, match="at least two tracks"):
        merge(log, [3, 3])


def test_a_split_begins_a_new_track_at_that_frame(log: TrackLog, tmp_path: Path) -> None:
    edited = saved(split(log, 3, Fraction("0.1")), tmp_path / "edited.jsonl")
    assert identities(edited) == [[3], [3, 5], [5], [5, 8], [8], [7], [], [5, 7]]
    assert edited[3].boxes_xyxy.tolist() == [list(BOX), list(FAR)]
    (edit,) = edited.header.edits
    assert edit.details == {"track": 3, "into": [3, 8], "pts": 3 * TICKS}
    exact = split(log, 3, Fraction(3, 25))
    assert identities(exact) == identities(edited)


def test_where_the_highest_identity_is_taken_a_split_takes_the_lowest_free_one(tmp_path: Path) -> None:
    most = 2**53 - 1
    log = TrackLog.load(made_log(tmp_path / "a.jsonl", [{1: BOX, most: FAR}, {2: BOX, most: FAR}]))
    edited = saved(split(log, most, 0.02), tmp_path / "edited.jsonl")
    assert identities(edited) == [[1, most], [2, 3]]


@pytest.mark.parametrize("at", [0, Fraction("0.161"), 9])
def test_a_split_outside_the_track_leaves_nothing(log: TrackLog, at: Fraction) -> None:
    with pytest.raises(UsageError, match=r"track 3 cannot be split at .* it lasts from 0.000 to 0.160 s"):
        split(log, 3, at)


def test_a_relabelled_track_is_of_one_class(log: TrackLog, tmp_path: Path) -> None:
    edited = saved(relabel(log, [5, 7], "Truck"), tmp_path / "edited.jsonl")
    assert {track.identity: track.cls for track in edited.summaries} == {3: 0, 5: 2, 7: 2}
    assert set(edited.classes[edited.ids == 5].tolist()) == {2}
    with pytest.raises(UsageError, match="no class 'lorry'"):
        relabel(log, [5], "lorry")


def test_dropped_tracks_are_gone_and_frames_stay(log: TrackLog, tmp_path: Path) -> None:
    edited = saved(drop(log, [3, 7]), tmp_path / "edited.jsonl")
    assert identities(edited) == [[], [5], [5], [5], [], [], [], [5]]
    assert [track.identity for track in edited.summaries] == [5]
    assert edited.footer is not None
    assert (edited.footer.tracks, edited.footer.figures.decoded) == (1, 8)


@pytest.mark.parametrize(
    "edit",
    [
        lambda log: merge(log, [3, 9]),
        lambda log: split(log, 9, 1),
        lambda log: relabel(log, [9], "car"),
        lambda log: drop(log, [9]),
    ],
)
def test_an_unknown_track_is_named(log: TrackLog, edit: Callable[[TrackLog], TrackLog]) -> None:
    with pytest.raises(UsageError, match=r"no track 9 \(it has 3, 5, 7\)"):
        edit(log)


def test_a_class_that_the_model_lacks_can_be_added(log: TrackLog, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no class 'bicycle'"):
        relabel(log, [5], "bicycle")
    edited = saved(relabel(log, [5], "bicycle", add_class=True), tmp_path / "edited.jsonl")
    assert edited.class_names == ["person", "car", "truck", "bicycle"]
    assert {track.identity: edited.class_names[track.cls] for track in edited.summaries}[5] == "bicycle"
    assert relabel(edited, [3], "Bicycle", add_class=True).class_names == edited.class_names


def test_corrections_add_up_and_events_of_unknown_places_follow_their_track(log: TrackLog, tmp_path: Path) -> None:
    log.events.append(Event("zone", "person 3 enters gate", 4, 4 * TICKS, "gate", 3, 0, "enter"))
    edited = saved(relabel(split(log, 3, 0.1), [8], "car"), tmp_path / "edited.jsonl")
    assert [edit.operation for edit in edited.header.edits] == ["split", "relabel"]
    (event,) = [event for event in edited.events if event.kind == "zone"]
    assert (event.identity, event.cls, event.message) == (8, 1, "car 8 enters gate")
    assert not [event for event in drop(edited, [8]).events if event.kind == "zone"]
    assert log.header.edits == ()


def test_a_log_that_was_cut_off_becomes_one_of_an_interrupted_run(path: Path, tmp_path: Path) -> None:
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:6]) + lines[6][:30], "utf-8")
    edited = saved(drop(TrackLog.load(path), [5]), tmp_path / "edited.jsonl.gz")
    assert edited.status == "interrupted"
    assert identities(edited) == [[3], [3], [], [3]]


def test_keys_of_others_pass_through_a_correction(path: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    lines[-1] |= {"self": 1, "status ": 2}
    next(line for line in lines if line["type"] == "event").update(self=1, index=2, mood="good")
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    edited = saved(drop(TrackLog.load(path), [5]), tmp_path / "edited.jsonl")
    assert edited.footer is not None
    assert (edited.footer.extra["self"], edited.footer.extra["status "]) == (1, 2)
    assert edited.events[0].extra["mood"] == "good"
