"""Reading a log, whole or damaged."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.tracklog.written import SEEN, header, tracks, without_footer, write
from vidtrack.tracklog import SUFFIXES, LogWriter, TrackLog


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_log_that_is_cut_off_is_read_up_to_its_end(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"clip{suffix}")
    whole = TrackLog.load(path)
    if suffix.endswith(".gz"):
        text = gzip.decompress(path.read_bytes())
        path.write_bytes(gzip.compress(text, mtime=0)[:-8])  # the check sum is missing, so all lines are there
        log = TrackLog.load(path)
        assert len(log) == len(whole)
        assert log.problem or log.status == "complete"
        return
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b'"i":10') + 3])
    log = TrackLog.load(path)
    assert log.status == "incomplete"
    assert log.footer is None
    assert "ends in the middle of line" in log.problem
    assert log.frame_indices.tolist() == [4, 6, 8]
    np.testing.assert_array_equal(log.boxes_xyxy, whole.boxes_xyxy[:3])


def test_a_compressed_log_whose_end_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "clip.jsonl.gz"
    rng = np.random.default_rng(0)
    with LogWriter(path, header()) as writer:
        for index in range(300):
            writer.frame(tracks(index, (1, 0, float(rng.random()), tuple(np.sort(rng.random(4)) * 100), SEEN)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    log = TrackLog.load(path)
    assert 50 < len(log) < 300
    assert log.status == "incomplete"
    assert log.problem


def test_without_a_footer_the_log_says_so(tmp_path: Path) -> None:
    log = TrackLog.load(without_footer(write(tmp_path / "clip.jsonl")))
    assert log.status == "incomplete"
    assert "no footer" in log.problem
    assert len(log) == 4
