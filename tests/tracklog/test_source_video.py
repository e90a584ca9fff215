"""The clip of a log is found, another clip is refused, another version is taken where that is asked for."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.media import write_pictures
from tests.render.scenes import SIZE, any_clip, log_in_memory, write_log
from vidtrack.core.errors import InputError
from vidtrack.core.types import Frame
from vidtrack.render.inputs import TrackSelection, open_inputs
from vidtrack.tracklog import Event, TrackLog
from vidtrack.tracklog.header import ModelInfo
from vidtrack.tracklog.source_video import find_footage, with_objects

BOXES = {1: {i: (20 + i, 30, 60 + i, 90) for i in range(12)}, 2: {5: (100, 30, 150, 90)}}


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return any_clip(tmp_path / "clip.mp4", frames=12)


@pytest.fixture
def log(tmp_path: Path, clip: Path) -> Path:
    return write_log(tmp_path / "clip.tracks.jsonl", clip, BOXES, range(12))


def test_the_clip_is_where_the_log_says_or_beside_it(tmp_path: Path, clip: Path, log: Path) -> None:
    loaded = TrackLog.load(log)
    assert find_footage(loaded, log).info.path == clip
    moved = tmp_path / "moved"
    moved.mkdir()
    for path in (clip, log):
        shutil.move(path, moved / path.name)
    assert find_footage(loaded, moved / log.name).info.path == moved / "clip.mp4"
    os.remove(moved / "clip.mp4")
    with pytest.raises(InputError, match=r"cannot find .*clip.mp4, the clip of"):
        find_footage(loaded, moved / log.name)


def test_the_clip_is_found_from_the_folder_of_the_results(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clip named as typed, `clip.mp4` or `in/clip.mp4`, is looked for above the log too, and its content counts."""
    folder = tmp_path / "out" / "day 1"
    folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    log = write_log(folder / "clip.tracks.jsonl", Path("clip.mp4"), BOXES, range(12))
    monkeypatch.chdir(folder)
    assert find_footage(TrackLog.load(log), Path(log.name)).info.path == clip
    any_clip(folder / "clip.mp4", frames=3)
    assert find_footage(TrackLog.load(log), Path(log.name)).info.path == clip
    os.remove(clip)
    with pytest.raises(InputError, match=r"^clip.mp4 is not the clip of the log"):
        find_footage(TrackLog.load(log), Path(log.name))


def test_a_copy_under_another_name_is_the_clip(tmp_path: Path, clip: Path, log: Path) -> None:
    copy = Path(shutil.copy(clip, tmp_path / "copy.mp4"))
    assert find_footage(TrackLog.load(log), log, copy).info.path == copy


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"size": (160, 68)}, "its size is 160x68, the log's is 320x136"),
        ({"rate": Fraction(30000, 1001)}, "its rate is 29.97, the log's is 25"),
        ({"options": {"preset": "ultrafast", "crf": "30"}}, "but other content"),
    ],
)
def test_another_clip_is_refused(tmp_path: Path, log: Path, choices: dict[str, object], said: str) -> None:
    other = any_clip(tmp_path / "other.mp4", frames=12, **choices)
    with pytest.raises(InputError, match=said):
        find_footage(TrackLog.load(log), log, other)


def test_another_version_has_its_boxes_scaled_and_found_by_time(tmp_path: Path, log: Path) -> None:
    master = any_clip(tmp_path / "master.mp4", frames=24, size=(640, 272), rate=Fraction(50))
    scene = open_inputs(log, master, TrackSelection(), another_version=True)
    assert scene.footage.scale == (2.0, 2.0)
    with scene.footage.open() as reader:
        lefts = [tracks.boxes_xyxy[0, 0] for _, tracks in with_objects(reader, scene.log, scene.footage.scale)]
    assert lefts[:5] == pytest.approx([40, 41, 42, 43, 44])
    assert lefts[-1] == pytest.approx(62)


def test_past_the_log_nothing_is_known_and_what_was_hidden_stays_so(tmp_path: Path, log: Path) -> None:
    longer = any_clip(tmp_path / "longer.mp4", frames=30)
    footage = find_footage(TrackLog.load(log), log, longer, another_version=True)
    counts = []
    for generous in (False, True):
        with footage.open() as reader:
            counts.append([len(tracks) for _, tracks in with_objects(reader, TrackLog.load(log), generous=generous)])
    assert counts[0] == [1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1] + [0] * 18
    assert counts[1] == counts[0][:12] + [1] * 18


@pytest.mark.parametrize(
    ("stride", "known"), [(12, 12), (5, 5), (1, 1), (None, 1), (0, 1), (-3, 1), ("5", 1), ([5], 1), (10**400, 1)]
)
def test_a_lone_frame_counts_for_the_stride_of_its_run(tmp_path: Path, clip: Path, stride: object, known: int) -> None:
    path = write_log(tmp_path / "a.jsonl", clip, BOXES, [0], parameters={"stride": stride})
    log = TrackLog.load(path)
    with find_footage(log, path).open() as reader:
        assert [len(tracks) for _, tracks in with_objects(reader, log)] == [1] * known + [0] * (12 - known)


def test_another_shape_is_no_version(tmp_path: Path, log: Path) -> None:
    square = any_clip(tmp_path / "square.mp4", frames=12, size=(136, 136))
    with pytest.raises(InputError, match=r"has an aspect of 1.000:1, the clip of the log 2.353:1"):
        find_footage(TrackLog.load(log), log, square, another_version=True)


def test_the_range_of_the_run_is_the_range_of_the_log(tmp_path: Path, clip: Path) -> None:
    whole = write_log(
        tmp_path / "a.jsonl", clip, BOXES, range(4, 9), parameters={"start_seconds": "4/25", "end_seconds": "9/25"}
    )
    footage = find_footage(TrackLog.load(whole), whole)
    assert (footage.start_seconds, footage.end_seconds) == (Fraction(4, 25), Fraction(9, 25))
    with footage.open(end_seconds=Fraction(7, 25)) as reader:
        assert [frame.index for frame in reader] == [4, 5, 6]


def test_a_log_that_was_cut_off_speaks_of_what_it_has(tmp_path: Path, clip: Path) -> None:
    short = write_log(tmp_path / "a.jsonl", clip, BOXES, range(7), status=None)
    with find_footage(TrackLog.load(short), short).open() as reader:
        assert [frame.index for frame in reader] == list(range(7))


def test_pictures_are_a_clip_too(tmp_path: Path) -> None:
    write_pictures(tmp_path / "shots", 4, "img_{}.png")
    pattern = tmp_path / "shots" / "img_%d.png"
    log = TrackLog.load(write_sequence_log(tmp_path / "log.jsonl", pattern))
    with find_footage(log, tmp_path / "log.jsonl").open() as reader:
        assert len(list(reader)) == 4


def write_sequence_log(path: Path, pattern: Path) -> Path:
    from vidtrack.tracklog import LogWriter
    from vidtrack.tracklog.provenance import hash_content, log_header
    from vidtrack.video import probe
    from vidtrack.video.image_sequence import image_paths

    info = probe(pattern, Fraction(24))
    model = ModelInfo("none", None, ("person",))
    with LogWriter(path, log_header(info, hash_content(image_paths(pattern)), {}, model, "cpu", "float32")):
        pass
    return path


def test_sizes(clip: Path, log: Path) -> None:
    assert find_footage(TrackLog.load(log), log).info.size == SIZE


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
