"""What a log says of each track as a whole."""

from __future__ import annotations

from pathlib import Path

from tests.tracklog.written import write
from vidtrack.tracklog import TrackLog


def test_tracks_are_summed_up(tmp_path: Path) -> None:
    first, second = TrackLog.load(write(tmp_path / "clip.jsonl")).summaries
    assert first.to_dict() == {
        "type": "track", "id": 1, "cls": 0, "first": {"i": 6, "pts": 12}, "last": {"i": 10, "pts": 20},
        "frames": 2, "visible": 1, "gaps": 1, "mean_score": 0.4166, "max_score": 0.5,
        "best": {"i": 10, "pts": 20, "box": [0.0, 5.0, 20.0, 25.0]},
    }  # fmt: skip
    assert second.cls == 1  # 0.75 + 0.25 against 0.5
    assert second.gaps == 0
    assert second.best.index == 8  # the largest
