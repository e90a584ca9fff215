"""OpenTimelineIO's timeline, read back by its library."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.export.readers import boxes_by_frame, same
from tests.export.scenes import exported, moving, scene_of, write_log
from vidtrack.export import otio


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001), Fraction(25)])
def test_opentimelineio_reads_the_timeline_with_exact_times(tmp_path: Path, rate: Fraction) -> None:
    library = pytest.importorskip("opentimelineio", reason="reads the timeline")
    log = write_log(
        tmp_path / "clip.tracks.jsonl",
        {3: moving(4, 2) | moving(3, 10)},
        range(20),
        rate,
        timecode="01:00:00:00",
        duration_seconds=20 / rate,
    )
    timeline = library.adapters.read_from_file(str(exported(log, "otio", tmp_path)))
    (clip,) = timeline.find_clips()
    assert timeline.global_start_time == library.opentime.RationalTime(3600 * round(rate), float(rate))
    assert clip.visible_range().duration == library.opentime.RationalTime(20, float(rate))
    assert clip.visible_range().start_time.to_timecode(float(rate), False) == "01:00:00:00"
    bounds = clip.media_reference.available_image_bounds
    assert (bounds.max.x, bounds.max.y) == (160, 96)
    found = {}
    for marker in clip.markers:
        assert marker.name == "person 3"
        facts = marker.metadata["vidtrack"]
        first = marker.marked_range.start_time - clip.available_range().start_time
        assert first == library.opentime.RationalTime(facts["first_frame"], float(rate))
        assert marker.marked_range.duration.value == len(facts["boxes_xyxy"])
        found |= {facts["first_frame"] + n: list(box) for n, box in enumerate(facts["boxes_xyxy"])}
    same(found, boxes_by_frame(scene_of(log)))
    again = library.adapters.write_to_string(timeline, "otio_json")
    assert library.adapters.read_from_string(again, "otio_json").is_equivalent_to(timeline)


def test_opentimelineio_without_timecode_starts_at_zero(tmp_path: Path) -> None:
    library = pytest.importorskip("opentimelineio", reason="reads the timeline")
    scene = scene_of(write_log(tmp_path / "a.jsonl", {1: moving(2)}, range(2)))
    timeline = library.adapters.read_from_string(otio.write(scene), "otio_json")
    assert timeline.global_start_time is None
    assert next(iter(timeline.find_clips())).visible_range().start_time.value == 0
