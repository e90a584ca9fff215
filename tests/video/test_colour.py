from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from tests.media import Clip, write_clip
from tests.video.reading import read
from vidtrack.video import VideoReader


@pytest.mark.parametrize(("matrix", "tag"), [("itu709", 1), ("itu601", 6), ("bt2020", 9)])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le"])
def test_colours_follow_the_matrix(tmp_path: Path, matrix: str, tag: int, pixel_format: str) -> None:
    colours = np.array([[200, 30, 30], [30, 200, 30], [30, 30, 200], [128, 128, 128]], np.uint8)
    image = np.repeat(np.repeat(colours[None], 40, axis=1), 68, axis=0)  # (68, 160, 3)
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = 160, 68, pixel_format
        context.colorspace, context.color_range = tag, 1
        frame = av.VideoFrame.from_ndarray(image, "rgb24")
        frame = frame.reformat(format=pixel_format, dst_colorspace=matrix, dst_color_range="MPEG")
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    got = read(path)[0].image[34, 20::40]
    assert np.abs(got.astype(int) - colours).max() <= 4


def test_high_dynamic_range_is_said(tmp_path: Path) -> None:
    clip = Clip(frames=2, pixel_format="yuv420p10le", primaries=9, transfer=18, matrix=9)
    with VideoReader(write_clip(tmp_path / "a.mp4", clip)) as reader:
        assert "HLG" in reader.problems[0].message
        assert len(list(reader)) == 2
