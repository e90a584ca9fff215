from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from tests.tracklog.logs import any_header
from vidtrack.export.timing import constant_rate, frames_at, meant_rate, shown_at
from vidtrack.tracklog.header import Source

NTSC = [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)]
MILLISECONDS = Fraction(1, 1000)


def source(rate: Fraction | None, time_base: Fraction) -> Source:
    return replace(any_header().source, average_rate=rate, time_base=time_base)


def times(rate: Fraction, time_base: Fraction, indices: np.ndarray) -> np.ndarray:
    """As a container stores them, rounded to its ticks."""
    ticks = 1 / rate / time_base
    return (2 * indices * ticks.numerator + ticks.denominator) // (2 * ticks.denominator)


@pytest.mark.parametrize(
    "rate", [*NTSC, Fraction(24), Fraction(25), Fraction(12), Fraction(240), Fraction(18018, 1001)]
)
@pytest.mark.parametrize("time_base", [None, MILLISECONDS, Fraction(1, 90000)], ids=["exact", "ms", "90k"])
@pytest.mark.parametrize("stride", [1, 7])
def test_a_constant_rate_is_found_exactly_whatever_the_ticks(
    rate: Fraction, time_base: Fraction | None, stride: int
) -> None:
    base = time_base or 1 / rate
    indices = np.arange(0, 40_000, stride)
    pts = times(rate, base, indices)
    assert constant_rate(source(rate, base), indices, pts) == rate
    np.testing.assert_array_equal(frames_at(pts, base, rate), indices)


@pytest.mark.parametrize("said", [Fraction(2997, 100), Fraction(19001, 634), Fraction(28), None])
def test_what_the_container_says_of_the_rate_need_not_be_right(said: Fraction | None) -> None:
    indices = np.arange(20_000)
    pts = times(NTSC[1], MILLISECONDS, indices)
    assert constant_rate(source(said, MILLISECONDS), indices, pts) == NTSC[1]


def test_frames_that_were_lost_leave_the_others_in_place() -> None:
    frames = np.delete(np.arange(300), [40, 41, 42, 200])
    pts = times(NTSC[1], Fraction(1, 90000), frames)
    indices = np.arange(len(frames))  # decoded one after the other
    base = Fraction(1, 90000)
    assert constant_rate(source(Fraction(29), base), indices, pts) == NTSC[1]
    np.testing.assert_array_equal(frames_at(pts, base, NTSC[1]), frames)


@pytest.mark.parametrize(
    "seconds",
    [
        np.cumsum([1 / 30] * 50 + [1 / 24] * 50),
        np.arange(100) / 30 + 0.012 * np.sin(np.arange(100)),
        np.arange(2000) / 30.003,  # drifts away from any rate
    ],
    ids=["two rates", "jitter", "nearly 30"],
)
def test_a_variable_rate_is_none(seconds: np.ndarray) -> None:
    base = Fraction(1, 90000)
    pts = np.rint(seconds * 90000).astype(int)
    found = constant_rate(source(Fraction(30), base), np.arange(len(pts)), pts)
    assert found is None or (found not in (30, 24) and abs(float(found) - 30.003) < 1e-3)


def test_a_rate_as_fine_as_the_ticks_is_none() -> None:
    pts = np.array([0, 33, 67, 100, 150, 200, 250, 300])
    assert constant_rate(source(Fraction(1000), MILLISECONDS), np.arange(8), pts) is None


def test_one_frame_has_the_rate_the_container_says() -> None:
    assert constant_rate(source(Fraction(25), MILLISECONDS), np.array([7]), np.array([280])) == 25
    assert constant_rate(source(None, MILLISECONDS), np.array([0]), np.array([0])) is None


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("29.97", NTSC[1]),
        ("23.976", NTSC[0]),
        ("23.98", NTSC[0]),
        ("59.94", NTSC[2]),
        ("24", 24),
        ("25", 25),
        ("18", 18),
    ],
)
def test_rates_that_people_round(text: str, rate: Fraction) -> None:
    assert meant_rate(Fraction(text)) == rate


def test_a_frame_shows_what_is_on_screen_at_its_time() -> None:
    pts = np.array([0, 40, 120, 125, 200])  # ms
    assert shown_at(pts, MILLISECONDS, Fraction(25)).tolist() == [0, 1, 1, 2, 3, 4, 4]
    assert shown_at(pts[1:], MILLISECONDS, Fraction(25)).tolist() == [-1, 0, 0, 1, 2, 3, 3]
    assert shown_at(np.array([], int), MILLISECONDS, Fraction(25)).tolist() == []


@pytest.mark.parametrize("rate", NTSC)
def test_conforming_to_its_own_rate_changes_nothing_though_times_were_rounded(rate: Fraction) -> None:
    pts = times(rate, MILLISECONDS, np.arange(5000))
    assert shown_at(pts, MILLISECONDS, rate).tolist() == list(range(5000))
