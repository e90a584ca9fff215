from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.tracklog.logs import tracks_at
from vidtrack.core.errors import UsageError
from vidtrack.tracklog import Event
from vidtrack.tracklog.crossings import Counter, Crossing, Direction, Spot, tally
from vidtrack.tracklog.zones import Zone, parse_line, parse_zone

SIZE = (640, 272)
ACROSS = parse_line("gate=320,0,320,272")  # from top to bottom: right of it is the left half of the image
YARD = parse_zone("yard=50%,50%,100%,50%,100%,100%,50%,100%")


def box_at(x: float, y: float, side: float = 20) -> tuple[float, ...]:
    """A box that stands at a point."""
    return (x - side / 2, y - side, x + side / 2, y)


def walk(counter: Counter, path: Sequence[tuple[float, float] | None], identity: int = 1) -> list[Crossing]:
    found = []
    for index, place in enumerate(path):
        found += counter.step(tracks_at(index, {} if place is None else {identity: box_at(*place)}))
    return found


def directions(crossings: Sequence[Crossing]) -> list[tuple[int, str]]:
    return [(crossing.index, str(crossing.direction)) for crossing in crossings]


def test_a_line_is_crossed_to_its_left_and_right() -> None:
    there_and_back = [(300, 100), (330, 100), (360, 100), (310, 100)]
    assert directions(walk(Counter([ACROSS], [], SIZE), there_and_back)) == [(1, "left"), (3, "right")]
    turned = parse_line("gate=320,272,320,0")
    assert directions(walk(Counter([turned], [], SIZE), there_and_back)) == [(1, "right"), (3, "left")]
    level = parse_line("kerb=0,100,640,100")  # along x, right of it is below
    assert directions(walk(Counter([level], [], SIZE), [(50, 80), (50, 120)])) == [(1, "right")]


def test_past_the_ends_of_a_line_nothing_is_crossed() -> None:
    short = parse_line("gate=320,0,320,60")
    assert walk(Counter([short], [], SIZE), [(300, 100), (340, 100), (340, 40)]) == []
    assert len(walk(Counter([short], [], SIZE), [(300, 50), (340, 50)])) == 1


def test_a_box_that_trembles_on_a_line_crosses_once() -> None:
    trembling = [(310, 100), *[(320 + (-1) ** n * 0.9, 100) for n in range(20)], (330, 100)]
    assert len(walk(Counter([ACROSS], [], SIZE), trembling)) == 1
    assert walk(Counter([ACROSS], [], SIZE), trembling[1:-1]) == []


def test_what_crosses_while_it_is_hidden_counts_where_it_comes_back() -> None:
    assert directions(walk(Counter([ACROSS], [], SIZE), [(300, 100), None, None, (340, 100)])) == [(3, "left")]


def test_each_object_counts_for_itself() -> None:
    counter = Counter([ACROSS], [], SIZE)
    counter.step(tracks_at(0, {1: box_at(300, 100), 2: box_at(340, 100)}))
    found = counter.step(tracks_at(1, {1: box_at(340, 100), 2: box_at(300, 100)}, {2: 1}))
    assert [(c.identity, c.cls, c.direction) for c in found] == [(1, 0, Direction.LEFT), (2, 1, Direction.RIGHT)]


def test_a_zone_is_entered_left_and_appeared_in() -> None:
    path = [(400, 100), (400, 160), (400, 180), (400, 120), (400, 100)]
    assert directions(walk(Counter([], [YARD], SIZE), path)) == [(1, "enter"), (3, "exit")]
    assert directions(walk(Counter([], [YARD], SIZE), path[2:])) == [(0, "appear"), (1, "exit")]


def test_a_box_cut_off_by_the_picture_still_stands_in_a_zone_that_ends_there() -> None:
    assert directions(walk(Counter([], [YARD], SIZE), [(400, 100), (400, 272)])) == [(1, "enter")]
    everywhere = parse_zone("all=0%,0%,100%,0%,100%,100%,0%,100%")
    assert directions(walk(Counter([], [everywhere], SIZE), [(630, 272)])) == [(0, "appear")]


def test_a_zone_need_not_be_convex() -> None:
    horseshoe = parse_zone("bay=0,0,300,0,300,200,200,200,200,100,100,100,100,200,0,200")
    counter = Counter([], [horseshoe], SIZE)
    assert directions(walk(counter, [(50, 150), (150, 150), (250, 150)])) == [(0, "appear"), (1, "exit"), (2, "enter")]


def test_the_middle_can_count_in_place_of_the_foot() -> None:
    level = parse_line("kerb=0,100,640,100")
    path = [(50, 95), (50, 106)]  # foot over the line, middle still above it
    assert len(walk(Counter([level], [], SIZE), path)) == 1
    assert walk(Counter([level], [], SIZE, Spot.CENTER), path) == []


def test_events_are_counted_by_class_of_the_track() -> None:
    counter = Counter([ACROSS], [YARD], SIZE)
    events = []
    for crossing in walk(counter, [(300, 200), (400, 200), (300, 200)], identity=4):
        events.append(crossing.event(["person", "car"]))
    assert events[0].message == "person 4 crosses gate to the left"
    assert [event.message for event in events[1:]] == [
        "person 4 enters yard", "person 4 crosses gate to the right", "person 4 leaves yard"
    ]  # fmt: skip
    counts = tally([*events, Event("cut", "a new shot begins")], {4: 1})
    assert counts == {("line", "gate"): {1: {"left": 1, "right": 1}}, ("zone", "yard"): {1: {"enter": 1, "exit": 1}}}


def test_names_are_unique_and_places_in_the_picture() -> None:
    with pytest.raises(UsageError, match="called gate"):
        Counter([ACROSS], [Zone("gate", YARD.points, True)], SIZE)
    with pytest.raises(UsageError, match="outside the image of 640x272"):
        Counter([parse_line("gate=700,0,700,272")], [], SIZE)
