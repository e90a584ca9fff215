"""Crossings counted in an existing log, and again after each correction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tracklog.logs import made_log, saved
from vidtrack.tracklog import TrackLog
from vidtrack.tracklog.counting import ever_watched, watched, with_crossings
from vidtrack.tracklog.crossings import Spot
from vidtrack.tracklog.editing import drop, merge, relabel, split
from vidtrack.tracklog.zones import parse_line, parse_zone

NEAR, FAR = (10.25, 20.5, 30.75, 60.0), (110.0, 20.0, 140.0, 70.0)
FRAMES: list[Mapping[int, tuple[float, ...]]] = [
    {3: NEAR}, {3: NEAR, 5: FAR}, {5: FAR}, {3: FAR, 5: NEAR}, {3: FAR}, {7: FAR}, {}, {5: NEAR, 7: FAR}
]  # fmt: skip


@pytest.fixture
def log(tmp_path: Path) -> TrackLog:
    return TrackLog.load(made_log(tmp_path / "clip.tracks.jsonl", FRAMES, {5: 1}))


def test_the_latest_count_says_what_is_watched_and_all_counts_what_ever_was(log: TrackLog) -> None:
    assert watched(log) == ([], [], Spot.BOTTOM)
    moved = parse_line("wall=90,0,90,272")
    counted = with_crossings(with_crossings(log, [WALL], [ROOM]), [moved], [], Spot.CENTER)
    assert watched(counted) == ([moved], [], Spot.CENTER)
    assert ever_watched(counted) == [moved, ROOM]


def test_a_count_replaces_the_crossings_before_and_no_other_events(log: TrackLog) -> None:
    counted = with_crossings(log, [WALL], [])
    assert [(event.index, event.name, event.identity) for event in counted.events if event.kind == "line"] == [
        (3, "wall", 3), (3, "wall", 5)
    ]  # fmt: skip
    assert with_crossings(counted, [], []).events == log.events != []


WALL, ROOM = parse_line("wall=70,0,70,272"), parse_zone("room=15%,0%,100%,0%,100%,100%,15%,100%")


@pytest.mark.parametrize("counted_by", ["count", "run"])
@pytest.mark.parametrize(
    "edit",
    [
        lambda log: merge(log, [3, 7]),
        lambda log: split(log, 3, 0.1),
        lambda log: relabel(log, [3], "car"),
        lambda log: drop(log, [5]),
    ],
)
def test_crossings_of_a_corrected_log_are_those_that_count_finds_in_it(
    log: TrackLog, tmp_path: Path, edit: Callable[[TrackLog], TrackLog], counted_by: str
) -> None:
    spot = Spot.CENTER if counted_by == "count" else Spot.BOTTOM
    counted = with_crossings(log, [WALL], [ROOM], spot)
    if counted_by == "run":
        (places,) = counted.header.edits
        run = replace(log.header.run, parameters={name: places.details[name] for name in ("lines", "zones")})
        counted = replace(counted, header=replace(log.header, run=run))
    edited = saved(edit(counted), tmp_path / "edited.jsonl")
    assert edited.events == with_crossings(edit(log), [WALL], [ROOM], spot).events
    assert edited.events != counted.events
