"""A short clip and its log, for tests of what a log shows of its clip."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.media import Clip, write_clip
from tests.tracklog.logs import FRAMES, made_log
from vidtrack import TrackLog


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", Clip(frames=5))


@pytest.fixture
def log(clip: Path, tmp_path: Path) -> TrackLog:
    return TrackLog.load(made_log(tmp_path / "clip.tracks.jsonl", FRAMES, {2: 1}, clip))
