"""Nothing of a tracked object shows, in no frame between its first and its last sight; judged on pixels."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
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
    any_clip,
    frames_of,
    log_in_memory,
    moving_object,
    object_box,
    object_clip,
    write_log,
    write_pictures_clip,
)
from vidtrack.core.errors import UsageError
from vidtrack.core.types import Frame, FrameTracks
from vidtrack.render.coverage import CoverageConfig, cover
from vidtrack.render.masks import MaskConfig, Shape
from vidtrack.render.redact import Method, RedactionConfig, Redactor
from vidtrack.tracklog import Event, TrackLog
from vidtrack.tracklog.source_video import with_objects
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


@pytest.mark.parametrize(
    ("logged", "lacking", "said"),
    [
        (range(FRAMES), 0, ""),
        (range(0, FRAMES, 3), 0, ""),
        (range(30), 10, "the log lacks 10 frames from 1.20 s on: objects that appear or move there may show"),
        (range(5, FRAMES), 5, "the log lacks 5 frames from 0.00 s on"),
        ([*range(10), *range(19, FRAMES)], 9, "the log lacks 9 frames from 0.40 s on"),
        ([0], 39, "the log lacks 39 frames from 0.04 s on"),
        (range(FRAMES + 7), 0, "the clip ends at 1.56 s, 7 frames before the log does"),
    ],
    ids=["whole", "a stride", "its end", "its beginning", "its middle", "all but one", "more"],
)
def test_frames_that_clip_or_log_lack_are_told(
    vidtrack: Command, clip: Path, tmp_path: Path, logged: Sequence[int], lacking: int, said: str
) -> None:
    log = write_log(tmp_path / "log.jsonl", clip, {1: {i: (100, 40, 140, 90) for i in logged}}, logged)
    report = tmp_path / "report.json"
    ended = vidtrack("render", log, clip, "--blur", "-o", tmp_path / "out.mp4", "--report", report)
    assert ended.code == 0, ended.err
    assert (f"warning: {said}" if said else "no doubtful frames") in ended.err
    assert ended.err.count("warning: ") == bool(said)
    (made,) = json.loads(report.read_text())["made"]
    assert (made["frames"], made["frames_unlogged"], len(made["warnings"])) == (FRAMES, lacking, bool(said))


@pytest.mark.parametrize(
    ("name", "rate", "own_rate", "logged", "said"),
    [
        ("proxy.mp4", Fraction(25), Fraction(50), range(24), ""),
        ("short.mp4", Fraction(25), Fraction(50), range(26), "the clip ends at 0.44 s, 2 frames before the log does"),
        ("remuxed.mkv", Fraction(30000, 1001), Fraction(30000, 1001), range(3, 12), ""),  # from 0.1001 s, there 0.100 s
        ("longer.mkv", Fraction(30000, 1001), Fraction(30000, 1001), range(3, 11), "the log lacks 1 frame from 0.37 s"),
    ],
)
def test_another_version_is_in_no_doubt_for_its_rate_or_rounded_times(
    vidtrack: Command, tmp_path: Path, name: str, rate: Fraction, own_rate: Fraction, logged: range, said: str
) -> None:
    original = any_clip(tmp_path / "clip.mp4", frames=26, rate=own_rate)
    version = any_clip(tmp_path / name, frames=12, rate=rate)
    began = {"start_seconds": "0.1" if logged.start else None}
    log = write_log(
        tmp_path / "log.jsonl", original, {1: dict.fromkeys(logged, (100, 40, 140, 90))}, logged, parameters=began
    )
    ended = vidtrack("render", log, version, "--force", "--blur", "-o", tmp_path / "out.mp4")
    assert ended.code == 0, ended.err
    assert ended.err.count("warning: ") == bool(said)
    assert said in ended.err


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


def test_what_is_hidden_holds_every_logged_box_and_is_steady(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    jittery = {i: np.array(object_box(i)) + random.normal(0, 3, 4) for i in range(FRAMES) if i not in MISSED}
    log = log_in_memory(tmp_path, {1: jittery}, FRAMES)
    hidden = cover(log, CoverageConfig(margin=0.0))
    rows = {int(row): box for row, box in zip(hidden.frame_rows, hidden.boxes_xyxy, strict=True)}
    assert sorted(rows) == list(range(FRAMES))
    for i, box in jittery.items():
        assert (rows[i][:2] <= box[:2] + 0.01).all() and (rows[i][2:] >= box[2:] - 0.01).all()
    logged = np.array([jittery[i] for i in (4, 5, 6, 7, 8)])
    covering = np.array([rows[i] for i in (4, 5, 6, 7, 8)])
    assert np.abs(np.diff(covering, 2, axis=0)).mean() < 0.4 * np.abs(np.diff(logged, 2, axis=0)).mean()


@pytest.mark.parametrize("every", [1, 2, 3])
def test_of_an_object_followed_well_the_margin_is_all_that_is_hidden_beyond_its_boxes(
    tmp_path: Path, every: int
) -> None:
    """Every frame or one of two or three is a detection; it walks by twice its width per second, and grows."""
    true = {i: np.array([20 + 2.9 * i, 50 - 0.4 * i, 56 + 3.1 * i, 90 + 0.4 * i]) for i in range(61)}
    log = log_in_memory(tmp_path, {1: {i: box for i, box in true.items() if i % every == 0}}, 61)
    hidden = cover(log, CoverageConfig(margin=0.1, hold_before_seconds=0, hold_after_seconds=0))
    apart = 3.1 * (every - 1) + 0.4  # between two detections the hidden area encloses both
    for i, box in enumerate(hidden.boxes_xyxy):
        width, height = true[i][2:] - true[i][:2]
        beyond = (box - true[i]) * [-1, -1, 1, 1]
        assert (beyond <= np.array([width, height] * 2) * 0.1 + apart).all(), i


def test_jitter_of_boxes_is_no_reason_to_hide_much_more(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    true = np.array([[40 + 2 * i, 30, 100 + 2 * i, 120] for i in range(FRAMES)], float)
    jittery = {i: box + random.normal(0, 2.5, 4) for i, box in enumerate(true)}  # 4 % of the width
    log = log_in_memory(tmp_path, {1: jittery}, FRAMES)
    hidden = cover(log, CoverageConfig(margin=0.1)).boxes_xyxy
    sides, wanted = hidden[:, 2:] - hidden[:, :2], np.array([60.0, 90.0]) * 1.2
    assert 0.97 < (sides.prod(axis=1) / wanted.prod()).mean() < 1.05


SECONDS = np.arange(100) / 25
MOTIONS = {
    "even": 60 * SECONDS,
    "faster and faster": 16 * SECONDS**2,
    "stop and go": np.cumsum(np.where(SECONDS // 0.6 % 2 == 0, 0.0, 5.2)),
    "to and fro": 110 + 110 * np.sin(SECONDS * 2),
    "at once": np.where(SECONDS < 1.37, 0.0, 90.0),
}


@pytest.mark.parametrize("motion", MOTIONS)
@pytest.mark.parametrize(
    ("every", "missed"), [(1, 5), (1, 12), (1, 25), (3, 0), (5, 0), (10, 0), (5, 10)], ids=lambda n: str(n)
)
def test_no_motion_outruns_what_is_hidden(tmp_path: Path, motion: str, every: int, missed: int) -> None:
    """One frame of `every` is logged, `missed` of each 14 + `missed` frames the object was not seen."""
    true = {i: np.array([x + 20, 40, x + 56, 84]) for i, x in enumerate(MOTIONS[motion])}
    sights = {i: box for i, box in true.items() if i % every == 0 and i % (14 + missed) < 14}
    log = logged_every(log_in_memory(tmp_path, {1: sights}, len(true)), every)
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    ticks = int(log.frame_pts[1]) // every
    frames = [Frame(i, i * ticks, log.time_base, image) for i in range(max(sights) + 1)]
    for frame, tracks in with_objects(frames, cover(log), generous=True):
        (box,) = tracks.boxes_xyxy
        assert (box[:2] <= true[frame.index][:2]).all() and (box[2:] >= true[frame.index][2:]).all(), frame.index


def logged_every(log: TrackLog, step: int) -> TrackLog:
    """The log as a run with a stride leaves it."""
    kept = [log[row] for row in range(0, len(log), step)]
    columns = ("ids", "classes", "scores", "boxes_xyxy", "states")
    return replace(
        log,
        frame_indices=log.frame_indices[::step],
        frame_pts=log.frame_pts[::step],
        offsets=np.cumsum([0, *map(len, kept)]),
        **{name: np.concatenate([getattr(tracks, name) for tracks in kept]) for name in columns},
    )


def test_a_gap_with_a_cut_in_it_is_hidden_along_the_way(tmp_path: Path) -> None:
    """The object goes on as it did up to the cut, and comes to where it is next as it goes on from there."""
    true = {i: np.array([4 * i, 40, 4 * i + 36, 84]) for i in range(60)}
    sights = {i: box for i, box in true.items() if not 20 <= i < 40}
    hidden = cover(log_in_memory(tmp_path, {1: sights}, 60, cuts=(39,)), CoverageConfig(margin=0.0))
    assert hidden.frame_rows.tolist() == list(range(60))
    for i, box in enumerate(hidden.boxes_xyxy):
        assert (box[:2] <= true[i][:2]).all() and (box[2:] >= true[i][2:]).all(), i


def test_the_longer_unseen_the_more_is_hidden(tmp_path: Path) -> None:
    still = {i: (100, 40, 140, 90) for i in (*range(10), *range(40, 50))}
    hidden = cover(log_in_memory(tmp_path, {1: still}, 50), CoverageConfig())
    widths = (hidden.boxes_xyxy[:, 2] - hidden.boxes_xyxy[:, 0])[[5, 15, 25]]
    assert widths[0] < widths[1] < widths[2] < 3 * widths[0]


def test_a_hold_ends_at_a_cut_and_a_gap_does_not(tmp_path: Path) -> None:
    sights = {i: (100 + i, 40, 140 + i, 90) for i in (*range(12, 15), *range(24, 30))}
    log = log_in_memory(tmp_path, {1: sights}, 50, cuts=(10, 20, 31))
    hidden = cover(log, CoverageConfig(margin=0.0, hold_before_seconds=1, hold_after_seconds=1))
    assert hidden.frame_rows.tolist() == list(range(10, 31))
    (left, right), (left_after, right_after) = hidden.boxes_xyxy[[19 - 10, 20 - 10]][:, [0, 2]]
    assert 108 < left <= 114 and 154 < right < 175  # it moves to the right: on to the cut it may have
    assert 100 < left_after <= 124 and 164 < right_after < 170


def test_between_logged_frames_a_box_counts_on_either_side(tmp_path: Path) -> None:
    log = log_in_memory(tmp_path, {1: {0: (0, 0, 10, 10), 3: (30, 0, 40, 10)}, 2: {0: (5, 5, 9, 9)}}, 4)
    every_third = log.__class__(
        log.header, log.frame_indices[[0, 3]], log.frame_pts[[0, 3]], np.array([0, 2, 3]), log.ids, log.classes,
        log.scores, log.boxes_xyxy, log.states, [], [], log.footer,
    )  # fmt: skip
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    ticks = int(log.frame_pts[3]) // 3
    frames = [Frame(i, i * ticks, log.time_base, image) for i in range(5)]
    exact = [(tracks.ids.tolist(), tracks.boxes_xyxy[:, 0].tolist()) for _, tracks in with_objects(frames, every_third)]
    assert exact == [([1, 2], [0, 5]), ([1, 2], [10, 5]), ([1], [20]), ([1], [30]), ([1], [30])]
    generous = [
        (t.ids.tolist(), t.boxes_xyxy[0, ::2].tolist()) for _, t in with_objects(frames, every_third, generous=True)
    ]
    around = ([1, 2], [0, 40])
    assert generous == [([1, 2], [0, 10]), around, around, ([1], [30, 40]), ([1], [30, 40])]

    event = Event("cut", "a new shot begins", 3, int(log.frame_pts[3]))
    over_a_cut = replace(every_third, events=[event])  # the new shot begins in frame 1, 2 or 3
    nearer = [tracks.boxes_xyxy[0, ::2].tolist() for _, tracks in with_objects(frames, over_a_cut)]
    assert nearer == [[0, 10], [0, 10], [30, 40], [30, 40], [30, 40]]
    generous = [tracks.boxes_xyxy[0, ::2].tolist() for _, tracks in with_objects(frames, over_a_cut, generous=True)]
    assert generous == [[0, 10], [0, 40], [0, 40], [30, 40], [30, 40]]


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
