"""How often the detector looks, by rate and choice."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.media import EXAMPLE_CLIP
from vidtrack.core.errors import UsageError
from vidtrack.core.types import VideoInfo
from vidtrack.pipeline.schedule import detection_step, gap_between_detections
from vidtrack.video import probe


@pytest.fixture(scope="module")
def info() -> VideoInfo:
    return probe(Path(EXAMPLE_CLIP))


@pytest.mark.parametrize(
    ("rate", "stride", "step"),
    [
        (Fraction(7), 1, 1),
        (Fraction(15), 1, 1),
        (Fraction(16), 1, 2),
        (Fraction(24000, 1001), 1, 3),
        (Fraction(25), 1, 3),
        (Fraction(30000, 1001), 1, 3),
        (Fraction(60), 1, 3),
        (Fraction(240), 1, 3),
        (Fraction(60), 6, 1),
        (None, 1, 1),
    ],
)
def test_auto_is_at_least_eight_a_second_and_at_most_three_frames_apart(
    info: VideoInfo, rate: Fraction | None, stride: int, step: int
) -> None:
    assert detection_step(None, replace(info, average_rate=rate), stride) == step


def test_frames_and_seconds_are_taken_as_given(info: VideoInfo) -> None:
    film = replace(info, average_rate=Fraction(24))
    assert detection_step(5, film) == 5
    assert detection_step(Fraction(1, 2), film) == 12
    assert detection_step(Fraction(1, 100), film) == 1
    with pytest.raises(UsageError, match="known frame rate"):
        detection_step(Fraction(1, 2), replace(info, average_rate=None))


def test_one_missed_detection_is_bridged(info: VideoInfo) -> None:
    assert gap_between_detections(1, info) == pytest.approx(0.08)
    assert gap_between_detections(3, replace(info, average_rate=Fraction(30))) == pytest.approx(0.2)
    assert gap_between_detections(3, replace(info, average_rate=Fraction(30)), stride=2) == pytest.approx(0.4)
