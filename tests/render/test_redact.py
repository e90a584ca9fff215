"""Nothing of a tracked object shows, in no frame between its first and its last sight; judged on pixels."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.conftest import Ended
from tests.media import example_frames
from tests.render.scenes import (
    MAGENTA,
    SIZE,
    Storage,
    frames_of,
    moving_object,
    object_box,
    object_clip,
    write_log,
    write_pictures_clip,
)
from vidtrack.core.errors import UsageError
from vidtrack.core.types import Frame, FrameTracks
from vidtrack.render.coverage import CoverageConfig
from vidtrack.render.masks import MaskConfig, Shape
from vidtrack.render.redact import Method, RedactionConfig, Redactor
from vidtrack.video import VideoReader

Command = Callable[..., Ended]
FRAMES = 40
MISSED = {9, 10, 11, 20, 24, 25, 26, 27, 33}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return object_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", FRAMES)


def gappy_log(path: Path, clip: Path, first: int = 4, last: int = 36, step: int = 1) -> Path:
    sights = {i: object_box(i) for i in range(first, last + 1) if i not in MISSED}
    return write_log(path, clip, {1: sights}, range(0, FRAMES, step))


def magenta_pixels(image: np.ndarray) -> int:
    return int((np.abs(image.astype(int) - MAGENTA).sum(axis=2) < 120).sum())


def share_left(shown: np.ndarray, source: np.ndarray, box: tuple[int, int, int, int]) -> float:
    """How much of the source's fine detail inside a box is in the image shown: 1 all, 0 nothing (a projection).

    Where there is no detail to speak of, a little of it counts as little.
    """
    left, top, right, bottom = box
    part = slice(max(0, top), bottom), slice(max(0, left), right)
    grey = [cv2.cvtColor(image[part], cv2.COLOR_RGB2GRAY).astype(np.float32) for image in (shown, source)]
    fine = [values - cv2.GaussianBlur(values, (0, 0), 2) for values in grey]
    return float((fine[0] * fine[1]).sum() / max((fine[1] ** 2).sum(), 9.0 * fine[1].size))


@pytest.mark.parametrize("step", [1, 3], ids=["every frame logged", "every third"])
@pytest.mark.parametrize("outline", ["box", "ellipse"])
def test_no_pixel_of_the_object_is_left(vidtrack: Command, clip: Path, tmp_path: Path, outline: str, step: int) -> None:
    log = gappy_log(tmp_path / "log.jsonl", clip, step=step)
    ended = vidtrack("render", log, clip, "--solid", "--outline", outline, "-o", tmp_path / "out.mp4")
    assert ended.code == 0, ended.err
    made, source = frames_of(tmp_path / "out.mp4"), frames_of(clip)
    assert len(made) == len(source) == FRAMES
    assert magenta_pixels(source[20]) > 500
    assert [magenta_pixels(image) for image in made[4:37]] == [0] * 33


@pytest.mark.parametrize(
    ("name", "storage", "start"),
    [
        ("turned.mp4", Storage(rotation=90), "0"),
        ("uneven.mkv", Storage(pts=[0, *np.cumsum([3, 1, 9, 4, 8, 1, 12, 5] * 5).tolist()][:FRAMES]), "0"),
        ("ten-bit.mov", Storage("prores_ks", "yuv422p10le", {}), "0"),
        ("reordered.mp4", Storage(options={"preset": "veryfast", "crf": "4", "bf": "4", "g": "40"}), "0.5"),
        ("no-times.avi", Storage("mpeg4", "yuv420p", {"bf": "2", "q:v": "1"}), "0.5"),
        ("interlaced.mpg", Storage("mpeg2video", "yuv420p", {"flags": "+ildct+ilme", "q:v": "1", "b": "9M"}), "0.5"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_pixel_is_left_however_the_clip_is_stored(
    vidtrack: Command, tmp_path: Path, name: str, storage: Storage, start: str
) -> None:
    stored = write_pictures_clip(tmp_path / name, moving_object(FRAMES), storage)
    with VideoReader(stored) as reader:
        pts = [frame.pts for frame in reader]
    sights = {i: object_box(i) for i in range(FRAMES) if i not in MISSED}
    log = write_log(tmp_path / "log.jsonl", stored, {1: sights}, range(0, FRAMES, 3), pts=pts)
    ended = vidtrack("render", log, stored, "--solid", "--start", start, "-o", tmp_path / "out.mkv")
    assert ended.code == 0, ended.err
    with VideoReader(tmp_path / "out.mkv") as reader:
        counts = [magenta_pixels(frame.image) for frame in reader]
    assert len(counts) == FRAMES - (0 if start == "0" else 13)
    assert counts == [0] * len(counts)


@pytest.mark.parametrize("method", ["--blur", "--pixelate"])
def test_no_detail_of_the_object_is_left(vidtrack: Command, clip: Path, tmp_path: Path, method: str) -> None:
    log = gappy_log(tmp_path / "log.jsonl", clip)
    assert vidtrack("render", log, clip, method, "-o", tmp_path / "out.mp4").code == 0
    made, source = frames_of(tmp_path / "out.mp4"), frames_of(clip)
    for i in range(4, 37):
        assert share_left(made[i], source[i], object_box(i)) < 0.1, i
        assert magenta_pixels(made[i]) == 0


def test_holds_hide_what_was_there_before_it_was_seen(vidtrack: Command, clip: Path, tmp_path: Path) -> None:
    log = gappy_log(tmp_path / "log.jsonl", clip, first=14, last=28)
    common = ("render", log, clip, "--solid", "--hold-before", 0.4, "--hold-after", 0.3, "-o", tmp_path / "out.mp4")
    assert vidtrack(*common).code == 0
    counts = [magenta_pixels(image) for image in frames_of(tmp_path / "out.mp4")]
    assert counts[4:36] == [0] * 32
    assert all(count > 300 for count in [*counts[:4], *counts[36:]])


def test_the_rest_of_the_picture_stays(vidtrack: Command, clip: Path, tmp_path: Path) -> None:
    log = gappy_log(tmp_path / "log.jsonl", clip)
    assert vidtrack("render", log, clip, "--solid", "--crf", 4, "-o", tmp_path / "out.mp4").code == 0
    difference = np.abs(frames_of(tmp_path / "out.mp4")[20].astype(int) - frames_of(clip)[20])
    left, top, right, bottom = object_box(20)
    difference[max(0, top - 40) : bottom + 40, left - 40 : right + 40] = 0
    assert difference.mean() < 2.5


@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize("mask", [MaskConfig(), MaskConfig(feather=0), MaskConfig(Shape.ELLIPSE)], ids=str)
def test_real_pictures_are_hidden_in_every_box(method: Method, mask: MaskConfig) -> None:
    random = np.random.default_rng(3)
    hider = Redactor(RedactionConfig(method, mask=mask))
    for i, image in enumerate(example_frames(10, 640, 272)):
        low = random.uniform((-60, -30), (560, 230), (6, 2))
        boxes = np.concatenate([low, low + random.uniform(24, 160, (6, 2))], axis=1).astype(np.float32)
        before = image.copy()
        hidden = hider.paint(Frame(i, i, Fraction(1, 25), image), tracks_of(boxes)).image
        np.testing.assert_array_equal(image, before)
        for box in boxes:
            part = tuple(int(v) for v in (*np.clip(np.floor(box[:2]), 0, None), *np.ceil(box[2:])))
            if min(part[2] - part[0], part[3] - part[1], SIZE[0] - part[0]) < 8 or part[1] > 260 or part[0] > 630:
                continue
            assert share_left(hidden, before, part) < (0.35 if method is Method.PIXELATE else 0.15)  # blocks have edges
            if method is Method.SOLID:
                assert not hidden[part[1] : part[3], part[0] : part[2]].any()


@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize("box", [(-1e6, -1e6, 1e6, 1e6), (10, 10, 1e6, 1e6), (-1e6, 100, 200, 150)], ids=str)
def test_a_box_far_larger_than_the_picture_is_hidden_too(method: Method, box: tuple[float, ...]) -> None:
    (image,) = example_frames(1, *SIZE)
    hidden = Redactor(RedactionConfig(method, mask=MaskConfig(feather=0))).paint(
        Frame(0, 0, Fraction(1, 25), image), tracks_of(np.array([box], np.float32))
    )
    left, top, right, bottom = (int(np.clip(edge, 0, SIZE[n % 2])) for n, edge in enumerate(box))
    assert (np.ptp(hidden.image[top:bottom, left:right], axis=(0, 1)) <= 1).all()


def tracks_of(boxes: np.ndarray) -> FrameTracks:
    count = len(boxes)
    numbers = np.arange(1, count + 1)
    return FrameTracks(0, 0, Fraction(1, 25), numbers, numbers, np.ones(count, np.float32), boxes, 0 * numbers)


@pytest.mark.parametrize(
    "make",
    [
        lambda: CoverageConfig(margin=-1),
        lambda: CoverageConfig(hold_after_seconds=float("nan")),
        lambda: RedactionConfig(blocks=0),
        lambda: MaskConfig(feather=-0.1),
    ],
)
def test_choices_out_of_range(make: Callable[[], object]) -> None:
    with pytest.raises(UsageError):
        make()
