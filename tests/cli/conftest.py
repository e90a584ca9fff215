"""A short real clip with two tracks, and its log."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.render.scenes import any_clip, write_log

ROOT = Path(__file__).parents[2]
BOXES = {
    1: {i: (20 + 3 * i, 30, 70 + 3 * i, 110) for i in range(30)},
    2: {i: (200, 20, 260, 90) for i in range(8, 20)},
}


@pytest.fixture(autouse=True)
def tree_in_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Subprocesses find this tree's package wherever a test runs."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip with sound and a timecode."""
    folder = tmp_path_factory.mktemp("shot")
    return any_clip(
        folder / "shot.mov", frames=30, audio="aac", timecode="01:00:00:00", primaries=1, transfer=1, matrix=1
    )


@pytest.fixture
def log(shot: Path, tmp_path: Path) -> Path:
    """A log with its clip beside it."""
    clip = Path(shutil.copy(shot, tmp_path / "shot.mov"))
    return write_log(tmp_path / "shot.tracks.jsonl", clip, BOXES, range(30))
