"""Values that are typed on the command line."""

from __future__ import annotations

from fractions import Fraction

import pytest

from vidtrack.cli.values import parse_rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [("23.976023976", Fraction(24000, 1001)), ("29.97", Fraction(2997, 100)), ("100000", Fraction(100_000))],
)
def test_a_rate_is_the_ratio_that_is_meant(text: str, rate: Fraction) -> None:
    assert parse_rate(text) == rate
