from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.media import Clip, write_clip, write_interlaced
from tests.video.reading import read
from vidtrack.video import VideoReader
from vidtrack.video.seek import locate_start


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi", "b.ts"])
@pytest.mark.parametrize("start", [0, 0.04, 0.05, 0.31, 0.32, 0.6, 0.95])
def test_a_start_gives_the_very_frames_of_a_whole_read(tmp_path: Path, name: str, start: float) -> None:
    if name == "b.ts":
        path = write_interlaced(tmp_path / name, frames=25)
    else:
        path = write_clip(tmp_path / name, Clip(frames=25))
    whole = [f for f in read(path) if f.seconds >= Fraction(str(start))]
    part = read(path, start_seconds=start)
    assert [(f.index, f.pts) for f in part] == [(f.index, f.pts) for f in whole]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(part, whole, strict=True))


def test_a_late_start_seeks_and_stays_exact(tmp_path: Path) -> None:
    open_gop = {"preset": "ultrafast", "g": "10", "bf": "3", "x264-params": "open-gop=1:keyint=10:scenecut=0"}
    pts = [i * 40 + (i % 3) * 7 for i in range(60)]
    path = write_clip(tmp_path / "a.mkv", Clip(frames=60, pts=pts, time_base=Fraction(1, 1000), options=open_gop))
    with VideoReader(path) as reader:
        whole, info = list(reader), reader.info
    for i in (11, 25, 39, 40, 59):
        located = locate_start(info, info.start_pts + whole[i].pts)
        assert located is not None, "the seek must not fall back to decoding from the beginning"
        keyframe_pts, index, first_pts = located
        assert keyframe_pts > info.start_pts
        assert (index, first_pts) == (i, info.start_pts + whole[i].pts)
        part = read(path, start_seconds=whole[i].seconds)
        assert [(f.index, f.pts) for f in part] == [(f.index, f.pts) for f in whole[i:]]
        assert all(np.array_equal(a.image, b.image) for a, b in zip(part, whole[i:], strict=True))
