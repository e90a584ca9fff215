"""`vidtrack render` as a person types it: what it makes, and each bad input in one clear line."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.cli.conftest import BOXES
from tests.conftest import Ended
from tests.media import EXAMPLE_CLIP
from tests.render.scenes import SIZE, any_clip, frames_of, seconds_of, write_log
from vidtrack.video import probe

Command = Callable[..., Ended]


def made_by(log: Path) -> set[str]:
    return {path.name for path in log.parent.iterdir()} - {log.name, "shot.mov"}


@pytest.mark.parametrize(
    ("options", "name", "size"),
    [
        ((), "shot.drawn.mp4", SIZE),
        (
            ("--parts", "ids,boxes", "--colour-by", "class", "--line-width", 1, "--classes", "car"),
            "shot.drawn.mp4",
            SIZE,
        ),
        (("--blur", "--outline", "ellipse"), "shot.hidden.mp4", SIZE),
        (("--crop-track", 1), "shot.crop-1.mp4", (76, 136)),
        (("--crop-track", 1, "--size", "90x160", "--pixelate", "--except", 1), "shot.crop-1.mp4", (90, 160)),
        (("--crop-track", 2, "--aspect", "1:1", "--codec", "prores"), "shot.crop-2.mov", (136, 136)),
        (("--matte", "luma"), "shot.matte.mp4", SIZE),
        (("--matte", "alpha"), "shot.matte.mov", SIZE),
    ],
)
def test_one_video(vidtrack: Command, log: Path, options: tuple[object, ...], name: str, size: tuple[int, int]) -> None:
    ended = vidtrack("render", log, *options)
    assert ended.code == 0, ended.err
    assert made_by(log) == {name}
    info, source = probe(log.parent / name), probe(log.parent / "shot.mov")
    assert info.size == size
    assert (info.has_audio, info.timecode, info.average_rate) == (True, "01:00:00:00", Fraction(25))
    assert (info.colour.primaries, info.colour.transfer) == (1, 1)
    assert seconds_of(log.parent / name) == seconds_of(log.parent / "shot.mov")
    assert info.sample_aspect_ratio == source.sample_aspect_ratio


def test_drawing_shows_only_what_is_asked_for(vidtrack: Command, log: Path) -> None:
    shown = {}
    for parts in ("boxes", "labels", "ids", "trails", "boxes,labels,trails"):
        target = log.parent / f"{parts}.mkv"
        assert vidtrack("render", log, "--parts", parts, "--codec", "ffv1", "-o", target).code == 0
        shown[parts] = frames_of(target)[15]
    source = frames_of(log.parent / "shot.mov")[15]
    changed = {parts: (np.abs(image.astype(int) - source) > 60).any(axis=2) for parts, image in shown.items()}
    assert all(mask.any() for mask in changed.values())
    assert changed["ids"].sum() < changed["labels"].sum() < changed["boxes,labels,trails"].sum()
    assert not changed["boxes"][60, 90] and changed["boxes"][30, 80]


def test_a_trail_ends_at_a_cut(vidtrack: Command, log: Path) -> None:
    clip = log.parent / "shot.mov"
    write_log(log, clip, {1: {i: (10 * i, 30, 10 * i + 50, 110) for i in range(15)}}, range(30), cuts=(15,))
    target = log.parent / "out.mkv"
    assert vidtrack("render", log, "--parts", "trails", "--codec", "ffv1", "-o", target).code == 0
    changed = [
        bool((np.abs(made.astype(int) - source) > 60).any())
        for made, source in zip(frames_of(target), frames_of(clip), strict=True)
    ]
    assert changed[14] and not any(changed[15:])


def test_clips_have_the_time_of_their_track_and_its_sound(vidtrack: Command, log: Path) -> None:
    ended = vidtrack("render", log, "--clips", "--handles", "0.08", "-o", log.parent / "clips")
    assert ended.code == 0, ended.err
    folder = log.parent / "clips"
    assert {path.name for path in folder.iterdir()} == {"shot.track-1.mp4", "shot.track-2.mp4"}
    second = folder / "shot.track-2.mp4"
    assert len(frames_of(second)) == 16  # frames 8 to 19, and two more at both ends
    info = probe(second)
    assert info.has_audio and info.timecode == "01:00:00:06"
    with av.open(str(second)) as container:
        sound = [frame.time for frame in container.decode(audio=0)]
    assert sound[0] < 0.05 and 0.5 < sound[-1] < 0.7
    difference = np.abs(frames_of(second)[2].astype(int) - frames_of(log.parent / "shot.mov")[8])
    assert difference.mean() < 3


def test_a_crop_of_every_track(vidtrack: Command, log: Path) -> None:
    report = log.parent / "report.json"
    ended = vidtrack("render", log, "--crop-track", "All", "-o", f"{log.parent}/crops/", "--report", report)
    assert ended.code == 0, ended.err
    crops = log.parent / "crops"
    assert [len(frames_of(crops / f"shot.crop-{n}.mp4")) for n in (1, 2)] == [30, 12]
    made = json.loads(report.read_text())["made"]
    assert [(entry["id"], entry["frames"], entry["frames_cut"]) for entry in made] == [(1, 30, 0), (2, 12, 0)]


def test_a_matte_decodes_with_its_opacity(vidtrack: Command, log: Path) -> None:
    assert vidtrack("render", log, "--matte", "alpha", "--tracks", 2, "--feather", 0).code == 0
    with av.open(str(log.parent / "shot.matte.mov")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.codec_tag) == ("prores", "ap4h")
        frames = [frame.reformat(format="rgba").to_ndarray() for frame in container.decode(stream)]
    opacity = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    opacity[20:90, 200:260] = 255
    assert np.abs(frames[10][..., 3].astype(int) - opacity).max() <= 1
    assert not frames[25][..., 3].any()
    source = frames_of(log.parent / "shot.mov")
    assert np.abs(frames[10][..., :3].astype(int) - source[10]).mean() < 2.5


def test_stills(vidtrack: Command, log: Path) -> None:
    report = log.parent / "report.json"
    ended = vidtrack("render", log, "--stills", "--margin", 0, "--report", report)
    assert ended.code == 0, ended.err
    assert made_by(log) == {"shot.track-1.png", "shot.track-2.png", "report.json"}
    made = json.loads(report.read_text())["made"]
    assert [entry["id"] for entry in made] == [2, 1] or [entry["id"] for entry in made] == [1, 2]
    second = next(entry for entry in made if entry["id"] == 2)
    assert second["box"] == [200, 20, 260, 90] and 8 <= second["i"] < 20
    assert probe(log.parent / "shot.track-2.png").size == (60, 70)


@pytest.mark.parametrize("mode", [("--stills",), ("--clips",), ("--crop-track", "all")])
def test_a_log_without_tracks_has_no_files_of_them(vidtrack: Command, log: Path, mode: tuple[str, ...]) -> None:
    write_log(log, log.parent / "shot.mov", {}, range(30))
    ended = vidtrack("render", log, *mode)
    assert (ended.code, ended.out) == (0, "")
    assert "has no tracks; nothing written" in ended.err
    assert made_by(log) == set()


def test_hiding_says_that_a_log_without_tracks_hides_nothing(vidtrack: Command, log: Path) -> None:
    write_log(log, log.parent / "shot.mov", {}, range(30))
    report = log.parent / "report.json"
    ended = vidtrack("render", log, "--blur", "--report", report)
    assert ended.code == 0
    assert "nothing hidden: the log has no tracks" in ended.err
    assert json.loads(report.read_text())["tracks_hidden"] == 0


def test_pictures_that_a_shorter_version_lacks_are_named(vidtrack: Command, log: Path) -> None:
    shorter = any_clip(log.parent / "shorter.mp4", frames=6)
    ended = vidtrack("render", log, shorter, "--force", "--stills")
    assert ended.code == 0
    assert "warning: no image of track 2: the clip ends before the log" in ended.err
    assert made_by(log) == {"shorter.mp4", "shot.track-1.png"}


def test_pictures_from_a_log_that_was_cut_off(vidtrack: Command, log: Path) -> None:
    log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])
    ended = vidtrack("render", log, "--stills")
    assert ended.code == 0 and "in the middle of line" in ended.err


def test_the_report_names_what_is_uncertain(vidtrack: Command, log: Path) -> None:
    clip = log.parent / "shot.mov"
    sights = {i: (100, 40, 150, 90) for i in (*range(5, 12), *range(16, 25))}
    write_log(log, clip, {1: sights}, range(30), unsure=(18, 19), cuts=(21,))
    report = log.parent / "report.json"
    ended = vidtrack("render", log, "--solid", "--weak-score", 0.3, "--report", report)
    assert ended.code == 0
    assert "doubtful frames" in ended.err and "track 1 not seen at 0.48-0.60 s" in ended.err
    record = json.loads(report.read_text())
    found = {(doubt["reason"], doubt["first"]["i"], doubt["last"]["i"]) for doubt in record["doubts"]}
    assert found == {
        ("not seen", 12, 15),
        ("low score", 18, 19),
        ("near a cut", 15, 24),
        ("appears inside the image", 5, 5),
    }
    assert (record["tracks_hidden"], record["frames_in_doubt"]) == (1, 14)
    ended = vidtrack("render", log, "--solid", "--start", 0.56, "--end", 0.76, "--report", report, "--overwrite")
    assert "check 5 doubtful frames" in ended.err
    found = {
        (doubt["reason"], doubt["first"]["i"], doubt["last"]["i"]) for doubt in json.loads(report.read_text())["doubts"]
    }
    assert found == {("not seen", 14, 15), ("low score", 18, 18), ("near a cut", 15, 18)}
    assert record["made"][0]["output"].endswith("shot.hidden.mp4")


@pytest.mark.parametrize("tracker", ["other", [], {"new_track_threshold": "high"}, {"new_track_threshold": 0.9}])
def test_scores_are_weak_by_what_the_run_says_if_it_says_so(vidtrack: Command, log: Path, tracker: object) -> None:
    write_log(log, log.parent / "shot.mov", {1: BOXES[1]}, range(30), parameters={"tracker": tracker})
    report = log.parent / "report.json"
    assert vidtrack("render", log, "--solid", "--report", report).code == 0
    weak = any(doubt["reason"] == "low score" for doubt in json.loads(report.read_text())["doubts"])
    assert weak == (tracker == {"new_track_threshold": 0.9})


def test_a_box_that_jumps_is_uncertain(vidtrack: Command, log: Path) -> None:
    sights = {i: (20, 40, 70, 90) for i in range(15)} | {i: (200, 40, 250, 90) for i in range(15, 30)}
    write_log(log, log.parent / "shot.mov", {1: sights}, range(30))
    report = log.parent / "report.json"
    assert vidtrack("render", log, "--solid", "--report", report).code == 0
    found = [(d["reason"], d["first"]["i"], d["last"]["i"]) for d in json.loads(report.read_text())["doubts"]]
    assert found == [("jumps", 14, 15)]


def test_a_clip_that_is_longer_than_the_logs(vidtrack: Command, log: Path) -> None:
    longer = any_clip(log.parent / "longer.mp4", frames=60)
    write_log(log, log.parent / "shot.mov", {1: {i: (100, 30, 140, 90) for i in range(30)}}, range(30))
    for clip, said in ((log.parent / "shot.mov", "no doubtful frames"), (longer, "in the log, but see the warning")):
        ended = vidtrack("render", log, clip, "--force", "--blur", "--overwrite")
        assert ended.code == 0
        assert said in ended.err
    assert "warning: the clip is 1.20 s longer than the log's; if they" in ended.err
    assert "warning: the log lacks 30 frames from 1.20 s on: objects that appear" in ended.err


def test_a_log_that_was_cut_off(vidtrack: Command, log: Path) -> None:
    log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])
    ended = vidtrack("render", log, "--blur")
    assert ended.code == 0
    assert "warning" in ended.err and "in the middle of line" in ended.err and "so does the output" in ended.err
    assert 5 < len(frames_of(log.parent / "shot.hidden.mp4")) < 25


def test_uneven_times_are_kept(vidtrack: Command, tmp_path: Path) -> None:
    pts = [0, 3, 4, 9, 12, 20, 21, 30, 31, 40]
    clip = any_clip(tmp_path / "uneven.mkv", frames=10, pts=pts, time_base=Fraction(1, 100))
    times = [round(float(t) * 1000) for t in seconds_of(clip)]
    log = write_log(tmp_path / "a.jsonl", clip, {1: {i: (20, 20, 80, 80) for i in range(10)}}, range(10), pts=times)
    assert vidtrack("render", log, "--pixelate", "-o", tmp_path / "out.mkv").code == 0
    assert seconds_of(tmp_path / "out.mkv") == seconds_of(clip)


def command(folder: Path, *arguments: object, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "vidtrack", "render", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(EXAMPLE_CLIP.parents[1]), "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )


def test_a_full_disk_leaves_nothing_that_looks_finished(log: Path) -> None:
    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    ended = command(log.parent, log, "--blur", "--crf", 1, preexec_fn=limited)
    _, err = ended.communicate(timeout=120)
    assert ended.returncode == 1, err
    assert len(err.splitlines()) == 1 and "cannot be written" in err
    assert made_by(log) == set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing_half_made(tmp_path: Path, number: signal.Signals) -> None:
    boxes = {1: {i: (100, 40, 300, 240) for i in range(250)}}
    log = write_log(tmp_path / "bikes.tracks.jsonl", EXAMPLE_CLIP, boxes, range(250))
    running = command(tmp_path, log, "--blur", "--encoder-preset", "slow", "--progress", "none")
    partial = tmp_path / "bikes.hidden.mp4.partial"
    deadline = time.monotonic() + 120
    while not (partial.exists() and partial.stat().st_size > 0):
        assert running.poll() is None and time.monotonic() < deadline, running.communicate()
        time.sleep(0.02)
    running.send_signal(number)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert "Traceback" not in err and "interrupted, not written" in err
    assert {path.name for path in tmp_path.iterdir()} == {log.name}
