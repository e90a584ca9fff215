"""A reader that goes on after a point gives what a reader from the start gives after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.media import Clip, cut_off, damaged, faststart, write_clip, write_interlaced, write_pictures
from vidtrack.core.errors import InputError
from vidtrack.core.types import Frame
from vidtrack.video import Problem, ReadConfig, ResumePoint, VideoReader

UNEVEN = (0, 17, 50, 150, 167, 300, 333, 1400, 1500, 1501, 1600, 1700, 1850, 1900, 2000, 2300, 2301, 2302, 2500, 2600)
LONG_GROUPS = {"preset": "ultrafast", "crf": "18", "g": "12", "bf": "3"}
OPEN_GROUPS = {"preset": "ultrafast", "crf": "18", "g": "6", "bf": "3", "x264-params": "open-gop=1:b-pyramid=2"}
MOVING_REFRESH = {"preset": "ultrafast", "crf": "18", "g": "8", "x264-params": "intra-refresh=1"}

Made = Callable[[Path], Path]

CLIPS: dict[str, Made] = {
    "steady": lambda d: write_clip(d / "a.mp4", Clip(frames=30)),
    "long groups": lambda d: write_clip(d / "a.mp4", Clip(frames=30, options=LONG_GROUPS)),
    "open groups": lambda d: write_clip(d / "a.mp4", Clip(frames=30, options=OPEN_GROUPS)),
    "open groups in a stream": lambda d: write_clip(d / "a.ts", Clip(frames=30, options=OPEN_GROUPS)),
    "moving refresh": lambda d: write_clip(d / "a.mkv", Clip(frames=30, options=MOVING_REFRESH)),
    "hevc": lambda d: write_clip(
        d / "a.mkv", Clip(frames=30, encoder="libx265", options={"x265-params": "log-level=error:keyint=8"})
    ),
    "uneven": lambda d: write_clip(d / "a.mkv", Clip(frames=20, pts=UNEVEN, time_base=Fraction(1, 1000))),
    "turned": lambda d: write_clip(d / "a.mov", Clip(frames=20, rotation=90, audio="aac")),
    "one keyframe": lambda d: write_clip(d / "a.mp4", Clip(frames=30, options={**LONG_GROUPS, "g": "600"})),
    "without times": lambda d: write_clip(d / "a.avi", Clip(frames=20, encoder="mpeg4", options={"bf": "2"})),
    "interlaced": lambda d: write_interlaced(d / "a.mpg", 20),
    "pictures": lambda d: write_pictures(d, 12)[0].parent,
    "damaged": lambda d: damaged(write_clip(d / "a.mp4", Clip(frames=30)), d / "b.mp4", 0.3, 300),
    "damaged stream": lambda d: damaged(write_clip(d / "a.ts", Clip(frames=30)), d / "b.ts", 0.5, 900),
    "cut off": lambda d: cut_off(faststart(write_clip(d / "a.mp4", Clip(frames=30)), d / "b.mp4"), d / "c.mp4", 0.7),
    "lacking an image": lambda d: _without(write_pictures(d, 12)[4]),
}  # fmt: skip


def _without(picture: Path) -> Path:
    picture.write_bytes(b"not a picture")
    return picture.parent


def read(reader: VideoReader) -> tuple[list[Frame], list[int]]:
    """The frames, and how many problems there were when each came."""
    frames, known = [], []
    with reader:
        for frame in reader:
            frames.append(frame)
            known.append(len(reader.problems))
    return frames, known


def told(problems: list[Problem]) -> list[tuple[str, int | None, int | None]]:
    return [(problem.message, problem.index, problem.pts) for problem in problems]


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("kind", CLIPS)
@pytest.mark.parametrize("choices", [ReadConfig(), ReadConfig(Fraction(1, 10), stride=3)], ids=["all", "some"])
def test_the_rest_is_the_same(kind: str, choices: ReadConfig, tmp_path: Path) -> None:
    path = CLIPS[kind](tmp_path)
    whole = VideoReader(path, choices)
    frames, known = read(whole)
    for count in {1, 2, len(frames) // 2, len(frames) - 2, len(frames)} - {0}:
        point = ResumePoint.at(frames[count - 1], count, known[count - 1])
        rest = VideoReader(path, choices)
        rest.resume_after(point)
        later, _ = read(rest)
        assert [(f.index, f.pts) for f in later] == [(f.index, f.pts) for f in frames[count:]]
        assert all((a.image == b.image).all() for a, b in zip(later, frames[count:], strict=True))
        assert told(rest.problems[point.problems :]) == told(whole.problems[point.problems :])
        assert (rest.decoded, rest.truncated) == (whole.decoded, whole.truncated)
        assert rest.problem_count == whole.problem_count


@pytest.mark.parametrize("kind", ["steady", "long groups", "open groups", "hevc", "uneven", "turned", "pictures"])
def test_what_lies_before_is_not_decoded_again(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = CLIPS[kind](tmp_path)
    frames, known = read(VideoReader(path))
    rest = VideoReader(path)
    rest.resume_after(ResumePoint.at(frames[-3], len(frames) - 2, known[-3]))
    monkeypatch.setattr(VideoReader, "_from_start", lambda self, source: pytest.fail("decoded from the start"))
    later, _ = read(rest)
    assert [frame.index for frame in later] == [frame.index for frame in frames[-2:]]


def test_another_picture_at_the_point_is_refused(tmp_path: Path) -> None:
    path = CLIPS["steady"](tmp_path)
    frames, _ = read(VideoReader(path))
    point = replace(ResumePoint.at(frames[9], 10, 0), image_sha256="0" * 64)
    reader = VideoReader(path)
    reader.resume_after(point)
    with pytest.raises(InputError, match=r"frame 9 of .* decodes differently"), reader:
        list(reader)
