from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from tests.tracklog.written import header
from vidtrack.core.types import AudioInfo, FileNumbering
from vidtrack.tracklog.header import Edit, Header


def test_a_header_comes_back_as_it_was_with_the_keys_of_others() -> None:
    source = replace(
        header().source,
        audio=(AudioInfo(2, 48000),),
        crop=(0, 4, 2, 0),
        container_start_seconds=Fraction(1, 10),
        numbering=FileNumbering("f.%04d.png", 1001),
        extra={"lens": {"mm": 35}},
    )
    edit = Edit("merge", {"tracks": [7, 3], "into": 7}, "2026-01-01T00:00:00Z", "1.0")
    whole = replace(header(), source=source, edits=(edit,), extra={"project": "dailies"})
    assert Header.from_dict(json.loads(json.dumps(whole.to_dict()))) == whole


def test_a_header_writes_rationals_as_pairs_and_leaves_out_what_was_not_asked() -> None:
    values = header().to_dict()
    assert values["schema"] == "vidtrack.track-log/1"
    assert (values["source"]["time_base"], values["source"]["duration"]) == ([1001, 30000], [3, 2])
    assert values["source"]["frame_count"] is None and "edits" not in values


def test_the_first_frame_may_come_after_the_start_of_the_container() -> None:
    source = header().source  # starts at 3 ticks
    late = replace(source, container_start_seconds=Fraction(1, 30000))
    assert late.first_frame_offset_seconds == Fraction(3 * 1001 - 1, 30000)
    assert replace(source, container_start_seconds=None).first_frame_offset_seconds == 0


@pytest.mark.parametrize(
    ("parameters", "stride", "start", "threshold"),
    [
        ({}, 1, None, None),
        ({"stride": 3, "start_seconds": "4/25", "tracker": {"new_track_threshold": 0.3}}, 3, Fraction(4, 25), 0.3),
        ({"stride": 0, "start_seconds": 0.1, "tracker": "other"}, 1, Fraction(1, 10), None),
        ({"stride": "5", "tracker": {"new_track_threshold": "high"}}, 1, None, None),
    ],
)
def test_a_run_answers_from_its_parameters_whatever_they_are(
    parameters: dict[str, Any], stride: int, start: Fraction | None, threshold: float | None
) -> None:
    run = replace(header().run, parameters=parameters)
    assert (run.stride, run.start_seconds, run.end_seconds, run.new_track_threshold) == (stride, start, None, threshold)
