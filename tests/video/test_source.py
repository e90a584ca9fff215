"""Files that are cut off or damaged give the frames they hold."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.media import EXAMPLE_CLIP, Clip, cut_off, damaged, faststart, write_clip
from tests.video.reading import read
from vidtrack.video import VideoReader


@pytest.mark.parametrize("name", ["cut.mkv", "cut.mp4", "cut.avi"])
def test_a_cut_off_file_gives_what_it_holds(tmp_path: Path, name: str) -> None:
    whole = tmp_path / ("whole" + Path(name).suffix)
    if name == "cut.mp4":
        faststart(EXAMPLE_CLIP, whole)
    else:
        write_clip(whole, Clip(frames=60, size=(320, 136)))
    with VideoReader(cut_off(whole, tmp_path / name, 0.5)) as reader:
        frames = list(reader)
        assert reader.truncated
        assert "cut off" in reader.problems[-1].message
    assert 10 < len(frames) < 200
    intact = read(whole)
    for i in range(5):
        assert np.array_equal(frames[i].image, intact[i].image)


@pytest.mark.parametrize("name", ["whole.mp4", "whole.mkv", "whole.ts"])
def test_a_whole_file_is_not_called_truncated(tmp_path: Path, name: str) -> None:
    clip = Clip(frames=60, audio="aac")
    with VideoReader(write_clip(tmp_path / name, clip)) as reader:
        assert len(list(reader)) == 60
        assert not reader.truncated
        assert reader.problems == []


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_damage_in_the_middle_does_not_end_the_clip(tmp_path: Path, seed: int) -> None:
    path = damaged(faststart(EXAMPLE_CLIP, tmp_path / "whole.mp4"), tmp_path / "a.mp4", 0.4, 20_000, seed)
    with VideoReader(path) as reader:
        frames = list(reader)
        assert reader.problems
        assert reader.problem_count == len(reader.problems)
        place = reader.problems[0]
    assert 200 < len(frames) <= 250
    assert frames[-1].seconds == Fraction(249, 25)
    pts = [f.pts for f in frames]
    assert pts == sorted(set(pts))
    assert 50 < place.index < 200
    assert place.pts is not None


@pytest.mark.parametrize("share", [0.999, 0.9, 0.73, 0.6, 0.5])
def test_a_cut_last_packet_costs_no_frame_that_one_thread_decodes(tmp_path: Path, share: float) -> None:
    whole = faststart(write_clip(tmp_path / "a.mp4", Clip(frames=100)), tmp_path / "whole.mp4")
    cut = cut_off(whole, tmp_path / "cut.mp4", share)
    alone = 0
    with av.open(str(cut)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        for packet in container.demux(stream):
            try:
                alone += len(packet.decode())
            except av.FFmpegError:
                continue
    with VideoReader(cut) as reader:
        assert len(list(reader)) == alone
