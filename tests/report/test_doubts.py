from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.media import Clip, write_clip
from tests.report.pages import BOXES
from tests.tracklog.logs import made_log


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", Clip(frames=8))


@pytest.fixture
def log(tmp_path: Path, clip: Path) -> Path:
    return made_log(tmp_path / "clip.tracks.jsonl", BOXES, {3: 1}, clip)


def test_doubtful_moments_are_shown_with_an_image_each(vidtrack: Any, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=40, size=(320, 136)))
    boxes = {i: (100.0 + i, 20.0, 140.0 + i, 100.0) for i in [*range(5, 15), *range(20, 30)]}
    log = made_log(tmp_path / "clip.tracks.jsonl", [{1: boxes[i]} if i in boxes else {} for i in range(40)], clip=clip)
    assert vidtrack("report", log).code == 0
    page = (tmp_path / "clip.report.html").read_text("utf-8")
    doubts = re.search(r'<details class="doubts">.*?</details>', page, re.S)
    assert doubts is not None
    assert "3 doubtful moments" in doubts[0]
    for reason in ("appears inside the image", "not seen", "vanishes inside the image"):
        assert f"person 1 {reason}" in doubts[0]
    images = re.findall(r'data:image/jpeg;base64,([^"]+)"', doubts[0])
    sizes = [cv2.imdecode(np.frombuffer(base64.b64decode(own), np.uint8), cv2.IMREAD_COLOR).shape for own in images]
    assert len(sizes) == 3 and all(min(size[:2]) > 30 for size in sizes)
    assert [float(s) for s in re.findall(r'data-seconds="([\d.]+)"', doubts[0])] == pytest.approx([0.16, 0.68, 1.2])
