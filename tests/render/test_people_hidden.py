"""How much of the people in real footage is hidden, tracked by the included model."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Ended
from vidtrack.datasets.mot import read_rows
from vidtrack.render.coverage import cover
from vidtrack.tracklog import TrackLog

pytestmark = [pytest.mark.shared, pytest.mark.slow]


def inside(boxes_xyxy: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The pixels (H, W) bool in any of the boxes."""
    pixels = np.zeros((size[1], size[0]), bool)
    for box in boxes_xyxy:
        left, top, right, bottom = (max(0, int(v)) for v in (*np.floor(box[:2]), *np.ceil(box[2:])))
        pixels[top:bottom, left:right] = True
    return pixels


@pytest.mark.parametrize(
    ("name", "seconds", "at_least", "at_most"),
    [("ADL-Rundle-6", 1, 0.9, 0.27), ("TUD-Stadtmitte", 3, 0.98, 0.35), ("PETS09-S2L1", 10, 0.96, 0.07)],
)
def test_people_are_hidden_and_little_else(
    vidtrack: Callable[..., Ended], tmp_path: Path, name: str, seconds: int, at_least: float, at_most: float
) -> None:
    folder = Path(os.environ["VIDTRACK_SHARED"]) / "data/mot15" / name
    path = tmp_path / "log.jsonl"
    ended = vidtrack("detect", folder / f"{name}.mp4", "--classes", "person", "--end", seconds, "-o", path)
    assert ended.code == 0, ended.err
    log = cover(TrackLog.load(path))
    truth, size = read_rows(folder / "gt/gt.txt"), log.header.source.size
    areas, shares = [], []
    for tracks in log:
        hidden = inside(tracks.boxes_xyxy, size)
        areas.append(hidden.mean())
        for box in truth[(truth.frames == tracks.index + 1) & (truth.scores > 0)].boxes_xyxy:
            left, top, right, bottom = (max(0, int(v)) for v in box)
            if (person := hidden[top:bottom, left:right]).size:
                shares.append(person.mean())
    assert len(shares) > 100
    assert np.mean(np.array(shares) > 0.95) >= at_least
    assert np.mean(np.array(shares) < 0.1) < 0.005  # left sharp
    assert np.mean(areas) <= at_most
