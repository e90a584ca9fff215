"""What notebooks show of a log and of a track."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.media import Clip, write_clip
from tests.tracklog.logs import made_log
from vidtrack import TrackLog

BOX = (10.25, 20.5, 50.75, 60.0)
FRAMES = [{1: BOX}, {1: BOX, 2: (60, 10, 90, 60)}, {2: (62, 10, 92, 60)}, {}, {4: BOX}]
EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", Clip(frames=5))


@pytest.fixture
def log(clip: Path, tmp_path: Path) -> TrackLog:
    return TrackLog.load(made_log(tmp_path / "clip.tracks.jsonl", FRAMES, {2: 1}, clip))


def test_a_notebook_shows_a_filmstrip_and_a_table(log: TrackLog) -> None:
    shown = log._repr_html_()
    assert shown.count("<image href=") == 5
    assert "0.04 s, frame 1" in shown
    assert re.findall(r"<td[^>]*>([^<]*)</td>", shown)[6:12] == ["2", "car", "0.04 s", "0.08 s", "2", "0.50"]
    assert log.tracks[1]._repr_html_().count("<img") == 2


def test_a_notebook_says_that_the_clip_is_missing_and_runs_nothing_of_a_log(tmp_path: Path) -> None:
    names = (EVIL, "car", "truck")
    log = TrackLog.load(made_log(tmp_path / "clip.tracks.jsonl", FRAMES, names=names))
    shown = log._repr_html_() + log.tracks[1]._repr_html_()
    assert "<script" not in shown and "&lt;script&gt;" in shown
    assert "cannot find clip.mp4" in shown
