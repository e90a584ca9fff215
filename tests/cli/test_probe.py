"""`vidtrack probe`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.conftest import Ended
from tests.media import EXAMPLE_CLIP

Command = Callable[..., Ended]


def test_probe_for_people_and_programs(vidtrack: Command) -> None:
    ended = vidtrack("probe", EXAMPLE_CLIP)
    assert ended.code == 0
    assert "640x272" in ended.out and "h264" in ended.out
    values = json.loads(vidtrack("probe", "--json", EXAMPLE_CLIP).out)
    assert values["size"] == [640, 272]
    assert values["average_rate"] == [25, 1]


def test_probe_of_no_video_is_3(vidtrack: Command, tmp_path: Path) -> None:
    ended = vidtrack("probe", tmp_path / "absent.mp4")
    assert ended.code == 3
    assert ended.err.splitlines() == [f"vidtrack: error: {tmp_path}/absent.mp4 does not exist (check the name)"]
