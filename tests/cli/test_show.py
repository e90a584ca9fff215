"""`vidtrack show`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ended
from tests.tracklog.logs import cut_short, made_log

Command = Callable[..., Ended]
BOX = (10.25, 20.5, 30.75, 60.0)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return made_log(tmp_path / "clip.tracks.jsonl", [{1: BOX}, {1: BOX, 2: BOX}, {2: BOX}, {}, {4: BOX}], {2: 1})


def test_show_lists_the_tracks(vidtrack: Command, log: Path) -> None:
    ended = vidtrack("show", log)
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0] == f"{log}: complete, 5 frames, 0.000 to 0.160 s"
    assert "clip clip.mp4, 640x272, 25 fps; model tiny" in lines
    assert lines[-4].split() == ["id", "class", "first", "s", "last", "s", "frames", "gaps", "score"]
    assert lines[-2].split() == ["2", "car", "0.040", "0.080", "2", "0", "0.50"]


def test_show_can_be_read_by_programs_and_choose(vidtrack: Command, log: Path) -> None:
    shown = json.loads(vidtrack("show", log, "--json", "--classes", "person", "--min-length", "2f").out)
    assert (shown["frames"], shown["rate"], shown["events"]) == (5, [25, 1], {"decode": 1, "encode": 1})
    assert [(track["id"], track["label"]) for track in shown["tracks"]] == [(1, "person")]


def test_a_log_cut_off_is_shown_up_to_its_end(vidtrack: Command, log: Path) -> None:
    cut_short(log)
    ended = vidtrack("show", log)
    assert ended.code == 0
    assert ended.err.splitlines() == [f"vidtrack: note: {log} ends in the middle of line 6; read up to frame 2"]
    assert ended.out.startswith(f"{log}: incomplete, 3 frames")
