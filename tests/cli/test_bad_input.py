"""Each bad input a person may meet, through the real command: one clear line, the right exit code, nothing lost."""

from __future__ import annotations

import json
import os
import pickle
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Ended, assert_one_line
from tests.media import (
    EXAMPLE_CLIP,
    Clip,
    cut_off,
    damaged,
    faststart,
    without_index,
    write_audio_only,
    write_clip,
)
from vidtrack import TrackLog
from vidtrack.video import VideoReader

Command = Callable[..., Ended]
ROOT = EXAMPLE_CLIP.parents[1]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", Clip(frames=24))


@pytest.fixture
def detect(vidtrack: Command, tiny_checkpoint: Path) -> Command:
    return lambda *arguments: vidtrack(
        "detect", "--model", tiny_checkpoint, "--score", 0.3, "--progress", "none", *arguments
    )


def not_a_video(path: Path, clip: Path) -> None:
    path.write_text("once upon a time\n" * 100)


def empty(path: Path, clip: Path) -> None:
    path.touch()


def audio_only(path: Path, clip: Path) -> None:
    write_audio_only(path)


def index_lost(path: Path, clip: Path) -> None:
    without_index(clip, path)


def missing(path: Path, clip: Path) -> None:
    pass


def playlist(path: Path, clip: Path) -> None:
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://192.0.2.1/x.ts\n#EXT-X-ENDLIST\n")


def picture_of_noise(path: Path, clip: Path) -> None:
    path.write_bytes(os.urandom(50_000))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (not_a_video, "not a video"),
        (empty, "is empty"),
        (audio_only, "has no video stream"),
        (index_lost, "without its index"),
        (missing, "does not exist"),
        (picture_of_noise, "not a video"),
        (playlist, "source.mp4"),
    ],
)
def test_nothing_to_decode(
    detect: Command, clip: Path, tmp_path: Path, make: Callable[[Path, Path], None], said: str
) -> None:
    source = tmp_path / "source.mp4"
    make(source, clip)
    before = sorted(tmp_path.iterdir())
    assert_one_line(detect(source), 3, "source.mp4", said)
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_without_clips(detect: Command, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    assert_one_line(detect(tmp_path), 3, str(tmp_path), "holds no clips")


def test_no_frames_after_start(detect: Command, clip: Path, tmp_path: Path) -> None:
    assert_one_line(detect(clip, "-o", tmp_path / "out", "--start", "99"), 3, "clip.mp4", "99")
    assert not list((tmp_path / "out").iterdir())


def test_an_end_before_the_start(detect: Command, clip: Path, tmp_path: Path) -> None:
    assert_one_line(detect(clip, "-o", tmp_path / "out", "--start", "2", "--end", "1"), 2, "end is 1 s")


def test_a_truncated_clip_is_tracked_as_far_as_it_goes(detect: Command, clip: Path, tmp_path: Path) -> None:
    half = cut_off(faststart(clip, tmp_path / "front.mp4"), tmp_path / "half.mp4", 0.6)
    ended = detect(half)
    assert ended.code == 0
    assert "warning" in ended.err and "cut off" in ended.err
    log = TrackLog.load(tmp_path / "half.tracks.jsonl")
    assert log.status == "truncated"
    assert 0 < len(log) < 24
    with VideoReader(tmp_path / "half.tracked.mp4") as made:
        assert len(list(made)) == len(log)


def test_a_clip_damaged_in_the_middle_is_tracked_to_its_end(detect: Command, clip: Path, tmp_path: Path) -> None:
    ended = detect(damaged(clip, tmp_path / "bad.mp4", 0.3, 500))
    assert ended.code == 0
    assert "bad.mp4: warning: " in ended.err
    log = TrackLog.load(tmp_path / "bad.tracks.jsonl")
    assert log.status in ("complete", "truncated")
    assert log.events
    assert log.frame_indices[-1] > 18


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--classes", "person,preson", "did you mean person?"),
        ("--model", "deformabel", "unknown model 'deformabel'"),
        ("--device", "cuda:99", "'cuda:99' does not exist"),
        ("--device", "toaster", "toaster"),
        ("--precision", "float12", "float12"),
        ("--codec", "h265x", "unknown video codec 'h265x'"),
        ("--crf", "99", "crf is 99"),
        ("--encoder-preset", "warp", "no preset 'warp'"),
        ("--hwaccel", "steam", "steam"),
    ],
)
def test_unknown_choices(detect: Command, clip: Path, tmp_path: Path, option: str, value: str, said: str) -> None:
    assert_one_line(detect(clip, "-o", tmp_path / "out", option, value), 2, said)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--start", "noon"),
        ("--framerate", "0/0"),
        ("--framerate", "100001"),
        ("--framerate", "0.00001"),
        ("--tracker", "hope"),
        ("--classes", " , "),
    ],
)
def test_unreadable_choices(detect: Command, clip: Path, option: str, value: str) -> None:
    assert_one_line(detect(clip, option, value), 2, option)


class Malicious:
    """Unpickling it would leave a file behind."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("kind", ["corrupt", "foreign", "malicious", "truncated"])
def test_bad_checkpoints(detect: Command, clip: Path, tiny_checkpoint: Path, tmp_path: Path, kind: str) -> None:
    path, trace = tmp_path / "weights.pth", tmp_path / "trace"
    if kind == "corrupt":
        path.write_bytes(os.urandom(5000))
    elif kind == "foreign":
        path.write_text("{}")
    elif kind == "malicious":
        path.write_bytes(pickle.dumps({"model": Malicious(trace)}, protocol=2))
    else:
        path = cut_off(tiny_checkpoint, tmp_path / "weights.safetensors", 0.5)
    assert_one_line(detect(clip, "-o", tmp_path / "out", "--model", path), 2, str(path))
    assert not trace.exists()


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder anyone may use, and no right to more than anyone has."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    yield folder
    if is_root:
        os.seteuid(0)
    subprocess.run(["rm", "-rf", str(folder)], check=True)


def test_an_unreadable_file(vidtrack: Command, unprivileged: Path) -> None:
    source = unprivileged / "secret.mp4"
    source.write_bytes(b"x")
    source.chmod(0)
    assert_one_line(vidtrack("detect", source), 3, "secret.mp4", "Permission denied")


def test_a_read_only_output(vidtrack: Command, unprivileged: Path) -> None:
    """Named before the model is looked for, which there is not."""
    locked = unprivileged / "locked"
    locked.mkdir(mode=0o555)
    for output in ("sub", "sub/deep/", "out.mp4", "out.jsonl"):
        ended = vidtrack("detect", EXAMPLE_CLIP, "--model", "nonesuch", "--progress", "none", "-o", locked / output)
        assert_one_line(ended, 1, "locked", "Permission denied")
    assert not list(locked.iterdir())


def test_an_output_below_a_file(vidtrack: Command, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = vidtrack("detect", clip, "--model", "nonesuch", "--progress", "none", "-o", tmp_path / "file" / "sub")
    assert_one_line(ended, 1, str(tmp_path / "file"), "Not a directory")


def command(*arguments: object, folder: Path, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "vidtrack", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )


@pytest.mark.parametrize("wanted", ["log", "video"])
def test_a_full_disk(vidtrack: Command, tiny_checkpoint: Path, tmp_path: Path, wanted: str) -> None:
    """A limit on the size of files stands in for the disk, as it needs no rights; a log of 24 KiB fits, a video not."""
    score = 0.3 if wanted == "log" else 1
    choices = ("--model", tiny_checkpoint, "--score", score, "--end", 1, "--progress", "none")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)  # Python ignores SIGXFSZ
    resource.setrlimit(resource.RLIMIT_FSIZE, (24 * 1024 if wanted == "video" else 4096, before[1]))
    try:
        ended = vidtrack("detect", EXAMPLE_CLIP, *choices, "-o", tmp_path / "out.mp4")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert_one_line(ended, 1, "cannot be written")
    left = {path.name for path in tmp_path.iterdir()}
    if wanted == "video":
        assert left == {"out.tracks.jsonl"}
        log = TrackLog.load(tmp_path / "out.tracks.jsonl")
        assert log.status == "failed"
    else:
        assert left == {"out.tracks.jsonl.partial"}
        log = TrackLog.load((tmp_path / "out.tracks.jsonl.partial").rename(tmp_path / "rest.jsonl"))
        assert log.status == "incomplete"
    assert "cannot be written" in (log.events[-1].message if wanted == "video" else ended.err)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_what_is_done(tiny_checkpoint: Path, tmp_path: Path, number: signal.Signals) -> None:
    second = tmp_path / "second.mp4"
    second.write_bytes(EXAMPLE_CLIP.read_bytes())
    running = command(
        "detect", EXAMPLE_CLIP, second, "--model", tiny_checkpoint, "--score", "0.3", "-o", "out", "--size", "160",
        folder=tmp_path,
    )  # fmt: skip
    log_path = tmp_path / "out" / "bikes.tracks.jsonl"
    partial = log_path.with_name(log_path.name + ".partial")
    deadline = time.monotonic() + 120
    while not (partial.exists() and partial.stat().st_size > 5000):
        assert running.poll() is None and time.monotonic() < deadline, running.communicate()
        time.sleep(0.02)
    running.send_signal(number)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert "Traceback" not in err
    assert "2 clips: 1 interrupted, 1 not done" in err
    log = TrackLog.load(log_path)
    assert log.status == "interrupted"
    assert 0 < len(log) < 250
    with VideoReader(tmp_path / "out" / "bikes.tracked.mp4") as made:
        assert len(list(made)) == len(log)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "bikes.tracked.mp4", "bikes.tracks.jsonl", "vidtrack-batch",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "said"), [("loop.mp4", "symbolic links"), ("n" * 300 + ".mp4", "too long"), ("pipe.mp4", "is a pipe")]
)
def test_names_that_lead_to_no_file(detect: Command, tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "loop.mp4").symlink_to("loop.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    assert_one_line(detect(tmp_path / name, "-o", tmp_path / "out"), 3, name, said)


def test_a_report_replaces_no_clip_and_no_result(detect: Command, clip: Path, tmp_path: Path) -> None:
    before = clip.read_bytes()
    for report in (clip, tmp_path / "log.jsonl"):
        assert_one_line(
            detect(clip, "-o", tmp_path / "log.jsonl", "--report", report), 2, str(report), "would overwrite"
        )
    assert_one_line(detect(clip, "-o", tmp_path / "log.jsonl", "--report", tmp_path), 2, "is a folder")
    assert clip.read_bytes() == before
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_no_text(detect: Command, clip: Path, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    odd.write_bytes(clip.read_bytes())
    ended = detect(odd, "--no-video", "-o", tmp_path / "log.jsonl", "--report", tmp_path / "new/report.json")
    assert ended.code == 0, ended.err
    assert TrackLog.load(tmp_path / "log.jsonl").header.source.path == str(odd)
    assert json.loads((tmp_path / "new/report.json").read_text())[0]["source"] == str(odd)


def test_an_encoder_the_container_cannot_hold(detect: Command, clip: Path, tmp_path: Path) -> None:
    assert_one_line(detect(clip, "-o", tmp_path / "x.mp4", "--codec", "gif"), 2, "gif", "cannot hold")
    assert not list(tmp_path.iterdir())
