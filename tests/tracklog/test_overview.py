from __future__ import annotations

from pathlib import Path

import pytest

from tests.tracklog.written import without_footer, write
from vidtrack.core.status import Status
from vidtrack.tracklog import TrackLog
from vidtrack.tracklog.overview import overview


@pytest.mark.parametrize("whole", [True, False])
def test_an_overview_counts_from_the_frames_so_a_log_cut_off_has_it_too(tmp_path: Path, whole: bool) -> None:
    path = write(tmp_path / "clip.jsonl")
    found = overview(TrackLog.load(path if whole else without_footer(path)))
    assert (found.source, found.size, found.model) == ("clip.mov", (360, 640), "tiny")
    assert found.status is (Status.COMPLETE if whole else Status.INCOMPLETE)
    assert (found.frames, found.first_seconds, found.last_seconds) == (
        4,
        0.266933,
        0.667333,
    )  # pts 8 and 20 of 1001/30000
    assert found.events == {"decode": 1}
    first, second = found.tracks
    assert (first.id, first.label, first.frames, first.visible, first.gaps) == (1, "person", 2, 1, 1)
    assert (second.label, second.first_seconds, second.last_seconds) == ("café", 0.4004, 0.667333)
    assert (second.mean_score, second.max_score) == (0.5, 0.75)
