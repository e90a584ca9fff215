from __future__ import annotations

import base64
import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.media import Clip, write_clip
from tests.report.pages import BOXES
from tests.tracklog.logs import made_log
from vidtrack.report.columns import pack
from vidtrack.tracklog import TrackLog


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", Clip(frames=8))


@pytest.fixture
def log(tmp_path: Path, clip: Path) -> Path:
    return made_log(tmp_path / "clip.tracks.jsonl", BOXES, {3: 1}, clip)


def unpacked(meta: dict[str, Any], text: str) -> dict[str, np.ndarray]:
    """The columns as the page's script reads them."""
    raw, at, columns = gzip.decompress(base64.b64decode(text)), 0, {}
    for column in meta["columns"]:
        kind = np.dtype(f"<{column['type']}")
        values = np.frombuffer(raw, kind, column["length"], at)
        at += values.nbytes
        absolute = column["name"] in ("scores", "states")
        columns[column["name"]] = values if absolute else np.cumsum(values, dtype=kind)
    assert at == len(raw)
    return columns


def test_columns_give_the_log_back(log: Path) -> None:
    read = TrackLog.load(log)
    packed = pack(read)
    columns = unpacked({"columns": packed.columns}, packed.text)
    assert columns["rows"].tolist() == [0, 1, 4, 1, 2]  # of track 1, then of 3
    assert columns["indices"].tolist() == [0, 1, 2, 3, 4]
    assert columns["microseconds"].tolist() == [0, 40_000, 80_000, 120_000, 160_000]
    edges = np.stack([columns[name] for name in ("left", "top", "right", "bottom")], 1) / packed.box_scale
    order = np.argsort(read.ids, kind="stable")
    np.testing.assert_allclose(edges, read.boxes_xyxy[order], atol=0.5 / packed.box_scale)
    np.testing.assert_allclose(columns["scores"] / 255, read.scores[order], atol=0.002)


def test_boxes_of_huge_pictures_still_fit(log: Path) -> None:
    read = TrackLog.load(log)
    read.boxes_xyxy[0] = [0, 0, 16000, 9000]
    packed = pack(read)
    columns = unpacked({"columns": packed.columns}, packed.text)
    assert columns["right"][0] / packed.box_scale == 16000


def test_times_far_into_a_clip_still_fit(log: Path) -> None:
    read = TrackLog.load(log)
    read = replace(read, frame_pts=read.frame_pts + read.frame_pts * 10**8 + int(7200 / read.time_base))
    packed = pack(read)
    columns = unpacked({"columns": packed.columns}, packed.text)
    np.testing.assert_allclose(columns["microseconds"] / 1e6, read.frame_seconds)
