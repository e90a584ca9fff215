"""Which tracks of a log are rendered, and what is done to their boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.render.scenes import any_clip, write_log
from vidtrack.core.errors import LogError, UsageError
from vidtrack.render.inputs import TrackSelection, open_inputs
from vidtrack.tracking.smoothing import fill_gaps, smooth
from vidtrack.tracklog import TrackLog

BOXES = {1: {i: (20 + i, 30, 60 + i, 90) for i in range(12)}, 2: {5: (100, 30, 150, 90)}}


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return any_clip(tmp_path / "clip.mp4", frames=12)


@pytest.fixture
def log(tmp_path: Path, clip: Path) -> Path:
    return write_log(tmp_path / "clip.tracks.jsonl", clip, BOXES, range(12))


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (TrackSelection(tracks=(9,)), "no track 9"),
        (TrackSelection(without=(9,)), "no track 9"),
        (TrackSelection(classes=("persn",)), "did you mean person"),
        (TrackSelection(min_seconds=60), "no track of the log matches"),
        (TrackSelection(without=(1, 2)), "no track of the log matches"),
    ],
)
def test_tracks_that_are_not_there(log: Path, wanted: TrackSelection, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        open_inputs(log, None, wanted)


def test_choosing(log: Path) -> None:
    def chosen(**choices: object) -> set[int]:
        return set(open_inputs(log, None, TrackSelection(**choices)).chosen.ids.tolist())  # type: ignore[arg-type]

    assert chosen() == {1, 2}
    assert chosen(without=(1,)) == {2}
    assert chosen(classes=("car",)) == {2}
    assert chosen(min_seconds=0.3) == {1}
    assert chosen(min_frames=2) == {1}
    assert chosen(tracks=(1, 2), without=(2,), smooth_seconds=0.2, gap_seconds=1.0) == {1}


def test_who_was_ever_taken_for_a_class_is_hidden_with_it(tmp_path: Path, log: Path) -> None:
    odd = tmp_path / "odd.jsonl"
    odd.write_text(log.read_text().replace('{"id":1,"cls":0', '{"id":1,"cls":1', 1))
    chosen = [
        set(open_inputs(odd, None, TrackSelection(classes=("car",), doubtful=doubtful)).chosen.ids.tolist())
        for doubtful in (False, True)
    ]
    assert chosen == [{2}, {1, 2}]


def test_a_log_without_frames(tmp_path: Path, clip: Path) -> None:
    with pytest.raises(LogError, match="has no frames"):
        open_inputs(write_log(tmp_path / "none.jsonl", clip, {}, ()), None, TrackSelection())


def test_boxes_are_smoothed_before_gaps_are_filled_as_detect_does(tmp_path: Path, clip: Path) -> None:
    shaky = {i: (20 + 9 * (i % 3), 30, 60 + 9 * (i % 3), 90) for i in (0, 1, 2, 3, 4, 8, 9, 10, 11)}
    path = write_log(tmp_path / "shaky.tracks.jsonl", clip, {1: shaky}, range(12))
    made = open_inputs(path, None, TrackSelection(gap_seconds=0.5, smooth_seconds=0.2)).chosen
    log = TrackLog.load(path)
    np.testing.assert_array_equal(made.boxes_xyxy, fill_gaps(smooth(log, 0.2), 0.5).boxes_xyxy)
    assert not np.allclose(made.boxes_xyxy, smooth(fill_gaps(log, 0.5), 0.2).boxes_xyxy)
