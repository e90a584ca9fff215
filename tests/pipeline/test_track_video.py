from __future__ import annotations

import io
import json
import threading
from fractions import Fraction
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from msgspec.structs import replace

from tests.media import EXAMPLE_CLIP, Clip, cut_off, faststart, write_clip, write_pictures
from tests.pipeline.running import run
from vidtrack import Progress, RunConfig, TrackerConfig, TrackLog, track_video
from vidtrack.core.errors import InputError, ResourceError, UsageError, VidtrackError
from vidtrack.model.detector import DeformableDETR
from vidtrack.tracklog import line_schema
from vidtrack.video import VideoReader, probe

EAGER = TrackerConfig(low_score=0.1)


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first second of real footage, small, with sound."""
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", Clip(frames=25, audio="aac"))


def test_real_footage_becomes_a_log_and_a_video(tiny_model: DeformableDETR, tmp_path: Path) -> None:
    result, log = run(EXAMPLE_CLIP, tiny_model, tmp_path, end_seconds=Fraction(1))
    assert (result.status, result.frames) == ("complete", 25)
    assert log.status == "complete"
    assert log.frame_indices.tolist() == list(range(25))
    assert len(log.ids) > 25
    assert result.tracks == log.ids.max() == len(log.tracks)
    width, height = probe(EXAMPLE_CLIP).size
    assert (log.boxes_xyxy >= 0).all() and (log.boxes_xyxy <= np.array([width, height] * 2)).all()
    validator = jsonschema.Draft202012Validator(line_schema())
    for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines():
        validator.validate(json.loads(line))
    with VideoReader(tmp_path / "out.mp4") as made, VideoReader(EXAMPLE_CLIP) as original:
        pairs = list(zip(made, original, strict=False))
        assert len(pairs) == 25
        assert all(a.seconds == b.seconds for a, b in pairs)
        assert np.abs(pairs[-1][0].image.astype(int) - pairs[-1][1].image).mean() > 1  # something is drawn


def test_the_header_says_what_was_done(
    tiny_model: DeformableDETR, tiny_checkpoint: Path, second: Path, tmp_path: Path
) -> None:
    _, log = run(second, tiny_model, tmp_path, stride=5, classes=("person", "car"), size=48)
    assert log.header.model.name == str(tiny_checkpoint)
    assert len(log.header.model.sha256) == 64
    parameters = log.header.run.parameters
    assert (parameters["stride"], parameters["classes"], parameters["size"]) == (5, ["person", "car"], 48)
    assert parameters["tracker"]["new_track_threshold"] == 0.3
    assert set(log.classes) <= {0, 1}
    assert log.header.source.path == str(second)


def test_stride_and_range_keep_indices_and_times(tiny_model: DeformableDETR, second: Path, tmp_path: Path) -> None:
    _, log = run(second, tiny_model, tmp_path, stride=4, start_seconds=Fraction("0.2"), end_seconds=Fraction("0.8"))
    assert log.frame_indices.tolist() == [5, 9, 13, 17]
    np.testing.assert_allclose(log.frame_seconds, [0.2, 0.36, 0.52, 0.68])
    assert log.footer is not None
    assert (log.footer.figures.decoded, log.footer.figures.expected) == (15, 15)


def test_two_runs_say_the_same(tiny_model: DeformableDETR, second: Path, tmp_path: Path) -> None:
    logs = []
    for name in "ab":
        (tmp_path / name).mkdir()
        run(second, tiny_model, tmp_path / name)
        logs.append((tmp_path / name / "out.jsonl").read_text().splitlines()[1:-1])
    assert logs[0] == logs[1]


def test_a_text_stream_takes_the_log(tiny_model: DeformableDETR, second: Path) -> None:
    stream = io.StringIO()
    result = track_video(second, tiny_model, log=stream, config=RunConfig(tracker=EAGER, score=0.3, stride=5))
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["type"] for line in lines[:6]] == ["header"] + ["frame"] * 5
    assert lines[-1]["status"] == "complete"
    assert (result.log, result.video) == (None, None)


def test_an_image_sequence_is_a_clip(tiny_model: DeformableDETR, tmp_path: Path) -> None:
    write_pictures(tmp_path / "in", 5)
    result, log = run(tmp_path / "in" / "img_%d.png", tiny_model, tmp_path, framerate=Fraction(30000, 1001))
    assert result.frames == 5
    assert log.time_base == Fraction(1001, 30000)
    assert log.header.source.hash.method == "sha256-sampled"


def test_progress_counts_up_to_what_was_expected(tiny_model: DeformableDETR, second: Path) -> None:
    seen: list[Progress] = []
    track_video(second, tiny_model, config=RunConfig(stride=2), progress=seen.append)
    assert [now.frames for now in seen] == list(range(1, 14))
    assert {now.expected for now in seen} == {13}
    assert seen[-1].clip_seconds == pytest.approx(24 / 25)


def test_times_cover_every_kind_of_work(tiny_model: DeformableDETR, second: Path, tmp_path: Path) -> None:
    result, _ = run(second, tiny_model, tmp_path)
    for name in ("decode", "preprocess", "encode", "track", "log", "draw", "encode video"):
        assert result.times[name][0] > 0, name
    assert result.times["track"][1] == 25


def test_outputs_that_exist_are_left_alone(tiny_model: DeformableDETR, second: Path, tmp_path: Path) -> None:
    (tmp_path / "out.mp4").write_bytes(b"precious")
    with pytest.raises(UsageError, match="already exists"):
        run(second, tiny_model, tmp_path)
    assert (tmp_path / "out.mp4").read_bytes() == b"precious"
    (tmp_path / "link.mp4").symlink_to("away.mp4")
    with pytest.raises(UsageError, match="already exists"):
        track_video(second, tiny_model, video=tmp_path / "link.mp4")
    track_video(second, tiny_model, video=tmp_path / "out.mp4", config=RunConfig(stride=9), overwrite=True)
    assert probe(tmp_path / "out.mp4").size == (160, 68)


def test_a_file_that_is_cut_off_is_tracked_to_its_end(tiny_model: DeformableDETR, second: Path, tmp_path: Path) -> None:
    whole = faststart(second, tmp_path / "front.mp4")
    result, log = run(cut_off(whole, tmp_path / "half.mp4", 0.6), tiny_model, tmp_path)
    assert result.status == log.status == "truncated"
    assert 0 < len(log) < 25
    assert any("cut off" in event.message for event in log.events)


def test_nothing_is_left_of_a_clip_without_frames(tiny_model: DeformableDETR, second: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        run(second, tiny_model, tmp_path, start_seconds=Fraction(99))
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_keeps_what_is_done(tiny_model: DeformableDETR, second: Path, tmp_path: Path) -> None:
    def interrupt(now: Progress) -> None:
        if now.frames == 6:
            raise KeyboardInterrupt

    result = track_video(
        second,
        tiny_model,
        log=tmp_path / "out.jsonl",
        video=tmp_path / "out.mp4",
        config=RunConfig(tracker=EAGER, score=0.3, live=True),
        progress=interrupt,
    )
    log = TrackLog.load(tmp_path / "out.jsonl")
    assert result.status == log.status == "interrupted"
    assert 6 <= len(log) < 25
    with VideoReader(tmp_path / "out.mp4") as made:
        assert len(list(made)) == len(log)
    assert {path.name for path in tmp_path.iterdir()} == {"out.jsonl", "out.mp4"}
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("vidtrack-")]


def test_an_impatient_interrupt_ends_at_once(tiny_model: DeformableDETR, second: Path, tmp_path: Path) -> None:
    def interrupt(now: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        track_video(second, tiny_model, log=tmp_path / "out.jsonl", progress=interrupt)
    assert TrackLog.load(tmp_path / "out.jsonl").status == "interrupted"


@pytest.mark.parametrize(("asked", "reached"), [(None, 0.25), (0.1, 0.1), (0.7, 0.7)])
def test_the_models_own_score_serves_where_none_is_given(
    tiny_model: DeformableDETR, second: Path, tmp_path: Path, asked: float | None, reached: float
) -> None:
    config = tiny_model.config
    tiny_model.config = replace(config, score=0.25)
    try:
        track_video(second, tiny_model, log=tmp_path / "a.jsonl", config=RunConfig(score=asked, stride=20))
    finally:
        tiny_model.config = config
    tracker = TrackLog.load(tmp_path / "a.jsonl").header.run.parameters["tracker"]
    assert tracker["new_track_threshold"] == reached
    assert tracker["low_score"] <= tracker["high_score"] <= reached


def test_a_size_too_small_is_refused(tiny_model: DeformableDETR, second: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="size is 8"):
        run(second, tiny_model, tmp_path, size=8)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (RuntimeError("CUDA out of memory. Tried to allocate\nand so on"), ResourceError, "out of memory on cpu"),
        (MemoryError(), ResourceError, "out of memory on cpu"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), ResourceError, "out of memory on cpu"),
        (RuntimeError("deformable attention on CUDA: no kernel\nat"), UsageError, "^deformable .* no kernel .*doctor"),
    ],
)
def test_a_device_that_gives_up_is_one_line(
    tiny_model: DeformableDETR,
    second: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    kind: type[VidtrackError],
    said: str,
) -> None:
    def encode(*_: object) -> None:
        raise error

    monkeypatch.setattr("vidtrack.pipeline.track_video.FrameEncoder.encode", encode)
    with pytest.raises(kind, match=said) as caught:
        run(second, tiny_model, tmp_path)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_name_loads_the_model(tiny_checkpoint: Path, second: Path) -> None:
    assert track_video(second, tiny_checkpoint, config=RunConfig(stride=20)).frames == 2


def test_objects_of_a_still_image_need_no_second_sight(tmp_path: Path, tiny_model: DeformableDETR) -> None:
    (image,) = write_pictures(tmp_path, 1, "photo.jpg")
    result = track_video(image, tiny_model, log=tmp_path / "photo.tracks.jsonl", config=RunConfig(score=0.3))
    assert (result.frames, result.status) == (1, "complete")
    assert result.tracks > 0
