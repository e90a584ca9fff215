from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.export.scenes import by_hand, moving, scene_of, write_log
from vidtrack.core.errors import UsageError
from vidtrack.core.types import ObjectState
from vidtrack.export.build import ExportConfig
from vidtrack.export.scene import Anchor


def test_the_log_by_hand_becomes_tracks_with_a_gap() -> None:
    scene = by_hand()
    person, light = scene.tracks
    assert (person.name, light.name) == ("person 1", "traffic light 2")
    assert person.frames.tolist() == [1, 2, 3, 6, 7]
    assert [track.frames[run].tolist() for track in scene.tracks for run in track.runs()] == [
        [1, 2, 3],
        [6, 7],
        [0, 1, 2],
    ]
    assert person.switches() == [(0, False), (1, True), (4, False), (6, True), (8, False)]
    assert person.linear_switches() == [
        (0, False), (1, True), (3, True), (4, False), (5, False), (6, True), (7, True), (8, False),
    ]  # fmt: skip
    assert light.switches() == [(0, True), (3, False)]
    assert person.boxes_xyxy[3].tolist() == [200, 30, 240.12, 131.34]
    assert (scene.rate, scene.frame_count, scene.size) == (Fraction(30000, 1001), 10, (320, 180))
    assert scene.duration == Fraction(1001, 3000)
    assert scene.layers() == [1, 0]


def test_drop_frame_timecode_leaves_out_two_labels() -> None:
    scene = by_hand()
    assert [scene.timecode_at(n) for n in range(4)] == ["00:00:59;28", "00:00:59;29", "00:01:00;02", "00:01:00;03"]
    assert scene.numbering.is_drop_frame
    assert scene.numbering.start == 1798


@pytest.mark.parametrize(
    ("anchor", "point"), [("center", (30.5, 70)), ("bottom", (30.5, 120)), ("top-left", (10.25, 20))]
)
def test_anchors(anchor: str, point: tuple[float, float]) -> None:
    scene = by_hand(anchor=Anchor(anchor))
    assert tuple(scene.tracks[0].points(scene.anchor)[0]) == point


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)])
def test_frames_and_times_are_exact_in_rounded_containers(tmp_path: Path, rate: Fraction) -> None:
    def milliseconds(frame: int) -> int:
        return round(1000 * frame / rate)

    log = write_log(
        tmp_path / "a.jsonl", {1: moving(200, 90, 0.01)}, range(300), rate, milliseconds, Fraction(1, 1000)
    )  # fmt: skip
    scene = scene_of(log)
    assert scene.rate == rate
    assert scene.tracks[0].frames.tolist() == list(range(90, 290))
    assert scene.clock.seconds(289) == 289 / rate


def test_a_stride_is_filled_but_a_frame_without_the_object_is_a_gap(tmp_path: Path) -> None:
    boxes = moving(30)
    seen = {i: boxes[i] for i in (0, 3, 6, 12, 15)}  # looked for in 9 and not found
    log = write_log(tmp_path / "a.jsonl", {1: seen}, range(0, 30, 3), Fraction(30000, 1001))
    (track,) = scene_of(log).tracks
    assert track.frames.tolist() == [0, 1, 2, 3, 4, 5, 6, 12, 13, 14, 15]
    assert track.frames[track.logged].tolist() == [0, 3, 6, 12, 15]
    assert set(track.states[~track.logged]) == {ObjectState.INTERPOLATED}
    np.testing.assert_allclose(track.boxes_xyxy, [boxes[i] for i in track.frames.tolist()], atol=0.006)


def test_lost_frames_keep_the_others_in_step(tmp_path: Path) -> None:
    timeline = [0, 1, 2, 5, 6]  # the frames 3 and 4 could not be decoded
    log = write_log(tmp_path / "a.jsonl", {1: moving(5)}, range(5), pts=lambda i: timeline[i])
    (track,) = scene_of(log).tracks
    assert track.frames.tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert track.frames[track.logged].tolist() == timeline
    assert track.indices[track.logged].tolist() == [0, 1, 2, 3, 4]


def variable(path: Path) -> Path:
    """30 a second, then 20 a second."""
    milliseconds = [0, 33, 67, 100, 150, 200, 250, 300]
    return write_log(
        path, {1: moving(8), 2: moving(2, 3)}, range(8), Fraction(24), lambda i: milliseconds[i], Fraction(1, 1000)
    )  # fmt: skip


def test_a_variable_rate_has_frames_and_times_of_the_clip(tmp_path: Path) -> None:
    scene = scene_of(variable(tmp_path / "a.jsonl"))
    assert scene.rate is None
    assert scene.tracks[0].frames.tolist() == list(range(8))
    assert [scene.clock.seconds(n) for n in (0, 1, 7, 8)] == [0, Fraction(33, 1000), Fraction(3, 10), Fraction(35, 100)]


def test_conforming_repeats_and_skips_as_an_editing_program_does(tmp_path: Path) -> None:
    log = variable(tmp_path / "a.jsonl")
    boxes = moving(8)
    first, second = scene_of(log, conform_rate=Fraction(25)).tracks  # 0, 40, 80, ... 280 ms
    expected = [0, 1, 2, 3, 4, 5, 5, 6, 7]
    np.testing.assert_allclose(first.boxes_xyxy, [boxes[i] for i in expected], atol=0.006)
    assert first.frames.tolist() == list(range(9))
    assert first.shown.tolist() == expected
    assert second.frames.tolist() == [3, 4]  # decoded frames 3 and 4, 100 to 200 ms


def test_a_rate_to_assume_takes_frame_by_frame(tmp_path: Path) -> None:
    scene = scene_of(variable(tmp_path / "a.jsonl"), rate=Fraction("23.976"))
    assert scene.rate == Fraction(24000, 1001)
    assert scene.tracks[0].frames.tolist() == list(range(8))


def test_a_conformed_stride_moves_on_in_between(tmp_path: Path) -> None:
    boxes = moving(40)
    log = write_log(tmp_path / "a.jsonl", {1: {i: boxes[i] for i in range(0, 40, 4)}}, range(0, 40, 4), Fraction(50))
    (track,) = scene_of(log, conform_rate=Fraction(25)).tracks
    assert track.frames.tolist() == list(range(19))
    np.testing.assert_allclose(track.boxes_xyxy, [boxes[2 * i] for i in range(19)], atol=0.006)


def test_smoothing_steadies_the_boxes(tmp_path: Path) -> None:
    shaky = {i: (10 + i + (-1) ** i, 20.0, 40 + i + (-1) ** i, 60.0) for i in range(50)}
    log = write_log(tmp_path / "a.jsonl", {1: shaky}, range(50))
    rough, steady = (scene_of(log, smooth_seconds=seconds).tracks[0].boxes_xyxy[:, 0] for seconds in (0, 0.3))
    assert np.abs(np.diff(steady, 2))[8:-8].max() < 0.2 * np.abs(np.diff(rough, 2)).max()
    np.testing.assert_allclose(steady[10:-10], 10 + np.arange(50)[10:-10], atol=0.3)


def test_the_clip_is_as_long_as_its_container_says(tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.jsonl", {1: moving(5)}, range(5), duration_seconds=Fraction(4), frame_count=100)
    assert scene_of(log).frame_count == 100
    assert scene_of(log, conform_rate=Fraction(50)).frame_count == 200
    untold = write_log(tmp_path / "b.jsonl", {1: moving(5)}, range(9))
    assert scene_of(untold).frame_count == 9
    assert scene_of(untold, conform_rate=Fraction(50)).frame_count == 18


def test_nothing_to_export_says_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing to export \(the log has tracks of person, traffic light\)"):
        by_hand(min_frames=6)
    with pytest.raises(UsageError, match=r"the log has no frames"):
        scene_of(write_log(tmp_path / "a.jsonl", {}, []))
    with pytest.raises(UsageError, match="no track 9"):
        by_hand(tracks=(9,))


@pytest.mark.parametrize("rate", [Fraction(1, 10), Fraction(5000)])
def test_impossible_rates(rate: Fraction) -> None:
    with pytest.raises(UsageError, match="not a rate"):
        ExportConfig(conform_rate=rate)


def test_two_rates_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="cannot be combined"):
        ExportConfig(rate=Fraction(25), conform_rate=Fraction(25))
