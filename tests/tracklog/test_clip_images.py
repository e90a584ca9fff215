from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.media import Clip, write_clip
from tests.tracklog.logs import FRAMES, made_log
from vidtrack import TrackLog
from vidtrack.core.errors import InputError
from vidtrack.video import VideoReader


def test_crops_show_the_objects_pixels(log: TrackLog, clip: Path) -> None:
    with VideoReader(clip) as reader:
        images = [frame.image for frame in reader]
    first, second = log.tracks[2].crops(2, margin=0)
    np.testing.assert_array_equal(first, images[1][10:60, 60:90])
    np.testing.assert_array_equal(second, images[2][10:60, 62:92])
    (wide,) = log.tracks[4].crops(5, margin=0.5)
    assert wide.shape == (images[4][0:80, 0:71].shape)


def test_crops_of_another_clip_are_refused(log: TrackLog, tmp_path: Path) -> None:
    other = write_clip(tmp_path / "clip.mp4", Clip(frames=5))
    path = made_log(tmp_path / "clip.tracks.jsonl", FRAMES, {}, other)
    write_clip(other, Clip(frames=6))
    with pytest.raises(InputError, match="its content differs"):
        TrackLog.load(path).tracks[1].crops()
    other.unlink()
    with pytest.raises(InputError, match="cannot find"):
        TrackLog.load(path).tracks[1].crops()
