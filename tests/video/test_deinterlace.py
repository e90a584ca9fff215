from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.media import write_interlaced
from tests.video.reading import read


def test_interlaced_frames_are_deinterlaced(tmp_path: Path) -> None:
    path = write_interlaced(tmp_path / "a.ts", frames=12)
    frames = read(path)
    assert [f.seconds for f in frames] == [Fraction(i, 25) for i in range(12)]
    with av.open(str(path)) as container:
        woven = [f.to_ndarray(format="gray") for f in container.decode(video=0)]

    def combing(grey: np.ndarray) -> float:
        return float(np.abs(np.diff(grey.astype(int), axis=0)).mean())

    for i in range(2, 10):
        assert combing(frames[i].image[..., 1]) < 0.2 * combing(woven[i])
