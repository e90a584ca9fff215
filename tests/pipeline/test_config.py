from __future__ import annotations

from fractions import Fraction

import pytest

from vidtrack import RunConfig
from vidtrack.core.errors import UsageError
from vidtrack.video import ReadConfig


def test_the_frames_to_read_are_those_of_the_run() -> None:
    config = RunConfig(start_seconds=Fraction(1, 3), end_seconds=Fraction(2), stride=3, hwaccel="cuda", stream=1)
    assert config.read == ReadConfig(Fraction(1, 3), Fraction(2), 3, "cuda", stream=1)


@pytest.mark.parametrize("choice", [{"smooth_seconds": 0.2}, {"gap_seconds": 0.5}, {"detect_every": 2}])
def test_a_live_run_waits_for_nothing(choice: dict[str, float]) -> None:
    RunConfig(live=True, detect_every=1)
    with pytest.raises(UsageError, match="a live run cannot smooth, fill gaps or interpolate"):
        RunConfig(live=True, **choice)


def test_an_empty_range_is_refused_before_a_clip_is_opened() -> None:
    with pytest.raises(UsageError, match="end is 1 s, not after start at 2 s"):
        RunConfig(start_seconds=Fraction(2), end_seconds=Fraction(1))
