"""From real files: what their container says of rate and time comes out as frames of the timeline."""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction
from pathlib import Path

import pytest

from tests.export.scenes import moving, scene_of, write_log
from tests.media import Clip, write_clip
from vidtrack.export.scene import Scene
from vidtrack.video import ReadConfig, VideoReader


def tracked(clip: Path, **choices: int) -> Scene:
    """A log of the clip as a run writes it, with one object in all of it."""
    with VideoReader(clip, ReadConfig(**choices)) as reader:
        pts = {frame.index: frame.pts for frame in reader}
        facts = {field.name: getattr(reader.info, field.name) for field in fields(reader.info)}
    time_base = facts.pop("time_base")
    log = write_log(clip.with_suffix(".tracks.jsonl"), {1: moving(60, 0, 0.5)}, list(pts), Fraction(1), pts.__getitem__, time_base, **facts)  # fmt: skip  # noqa: E501
    return scene_of(log)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".ts", ".avi"])
@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001), Fraction(25)])
@pytest.mark.parametrize("stride", [1, 4])
def test_frames_are_those_of_the_timeline(tmp_path: Path, suffix: str, rate: Fraction, stride: int) -> None:
    bframes = {} if suffix == ".avi" else {"bf": "2"}
    options = {"preset": "ultrafast", "crf": "30", "g": "8", **bframes}
    clip = write_clip(
        tmp_path / f"clip{suffix}", Clip(frames=25, rate=rate, size=(64, 48), numbered=True, options=options)
    )
    scene = tracked(clip, stride=stride)
    assert scene.rate == rate
    assert scene.tracks[0].frames.tolist() == list(range(25))
    assert scene.frame_count in (25, 26)  # some containers round the duration up


@pytest.mark.parametrize("timecode", ["01:00:00;00", "10:09:59;28"])
def test_the_timecode_of_a_clip_is_that_of_its_first_frame(tmp_path: Path, timecode: str) -> None:
    rate = Fraction(30000, 1001)
    clip = write_clip(tmp_path / "clip.mov", Clip(frames=8, rate=rate, size=(64, 48), numbered=True, timecode=timecode))
    scene = tracked(clip)
    assert scene.timecode_at(0) == timecode
    assert scene.numbering.is_drop_frame


def test_a_turned_clip_has_the_size_it_is_shown_in(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=4, size=(64, 48), numbered=True, rotation=90))
    assert tracked(clip).size == (48, 64)


def test_wide_pixels_stay_wide(tmp_path: Path) -> None:
    shape = Fraction(16, 11)
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=4, size=(64, 48), numbered=True, sample_aspect_ratio=shape))
    assert tracked(clip).pixel_aspect == shape
