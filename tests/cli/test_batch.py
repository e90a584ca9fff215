"""Batches from the command line, with worker processes of their own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Ended
from tests.media import Clip, write_clip
from vidtrack import TrackLog
from vidtrack.batch.lock import locked
from vidtrack.batch.manifest import FOLDER, NAME, Manifest

Command = Callable[..., Ended]
ROOT = Path(__file__).parents[2]
FRAMES = 300


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "short.mp4", Clip(frames=6))


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "long.mp4", Clip(frames=FRAMES, numbered=True))


@pytest.fixture
def detect(vidtrack: Command, tiny_checkpoint: Path, tmp_path: Path) -> Command:
    """A batch over `in` into `out` with the tiny model."""
    folders = tmp_path / "in", "-o", tmp_path / "out"
    return lambda *options: vidtrack("detect", *folders, "--model", tiny_checkpoint, "--score", 0.3, *options)


@pytest.fixture
def start(tiny_checkpoint: Path, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """The same in a separate process."""
    running = []

    def run(*options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "vidtrack", "detect", str(tmp_path / "in"), "-o", str(tmp_path / "out")]
        command += ["--model", str(tiny_checkpoint), "--score", "0.3", "--progress", "json", *options]
        running.append(subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True))
        return running[-1]

    yield run
    for process in running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def put(clip: Path, *names: str, folder: Path) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(clip, folder / name)


def states(folder: Path) -> dict[str, str]:
    manifest = Manifest(folder / "out" / FOLDER / NAME)
    found = {source.name: row.state for source, row in manifest.rows().items()}
    manifest.close()
    return found


def wait_for(condition: Callable[[], bool], seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def logged_frames(folder: Path) -> int:
    """Frames in the log that is being written."""
    partial = folder / "out/long.tracks.jsonl.partial"
    return partial.read_text().count('"frame"') if partial.exists() else 0


def test_a_second_run_does_what_is_left(detect: Command, short: Path, tmp_path: Path) -> None:
    put(short, "a.mp4", "sub/b.mp4", "sub/no.mp4", folder=tmp_path / "in")
    first = detect("--limit", 1, "--exclude", "*/no.*")
    assert first.code == 0, first.err
    assert [path.name for path in (tmp_path / "out").glob("**/*.jsonl")] == ["a.tracks.jsonl"]
    assert first.err.endswith("out/vidtrack-batch/index.html\n2 clips: 1 complete, 1 not done\n")
    made = (tmp_path / "out/a.tracks.jsonl").stat().st_ino

    second = detect("--exclude", "*/no.*")
    assert second.code == 0, second.err
    assert (tmp_path / "out/a.tracks.jsonl").stat().st_ino == made
    assert states(tmp_path) == {"a.mp4": "done", "b.mp4": "done"}
    report = json.loads((tmp_path / "out" / FOLDER / "report.json").read_text())
    assert report["counts"] == {"complete": 2}
    assert "sub/b.tracks.jsonl" in (tmp_path / "out" / FOLDER / "index.html").read_text()

    (tmp_path / "out" / FOLDER / "index.html").unlink()  # as after a kill
    third = detect("--exclude", "*/no.*", "--progress", "json")
    assert [json.loads(line)["counts"] for line in third.err.splitlines()] == [{"done before": 2}]
    assert "sub/b.tracks.jsonl" in (tmp_path / "out" / FOLDER / "index.html").read_text()

    changed = detect("--exclude", "*/no.*", "--crf", 40, "--stride", 2)
    assert changed.code == 0, changed.err
    assert len(TrackLog.load(tmp_path / "out/sub/b.tracks.jsonl")) == 3

    (tmp_path / "out/sub/no.tracks.jsonl").write_text("someone's")
    refused = detect("--crf", 40, "--stride", 2)
    assert refused.code == 2
    assert "no.tracks.jsonl already exists" in refused.err
    assert (tmp_path / "out/sub/no.tracks.jsonl").read_text() == "someone's"


def test_a_run_with_nothing_to_do_loads_no_model(
    detect: Command, short: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    put(short, "a.mp4", folder=tmp_path / "in")
    assert detect().code == 0
    script = (
        "import sys; from vidtrack.cli.app import main; code = main(sys.argv[1:]); print(code, 'torch' in sys.modules)"
    )
    options = ["detect", tmp_path / "in", "-o", tmp_path / "out", "--model", tiny_checkpoint, "--score", "0.3"]
    ended = subprocess.run(
        [sys.executable, "-c", script, *options], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout == "0 False\n"
    assert "1 done before" in ended.stderr


def test_two_batches_on_one_output_exclude_each_other(detect: Command, short: Path, tmp_path: Path) -> None:
    put(short, "a.mp4", folder=tmp_path / "in")
    (tmp_path / "out" / FOLDER).mkdir(parents=True)
    with locked(tmp_path / "out"):
        ended = detect()
    assert ended.code == 2
    assert f"another batch is running in {tmp_path / 'out'}: process {os.getpid()} on " in ended.err
    assert list((tmp_path / "out" / FOLDER).iterdir()) == [tmp_path / "out" / FOLDER / "lock"]


@pytest.mark.parametrize("name", ["precious.mp4", f"out/{FOLDER}/report.json", "s3://bucket/report.json"])
def test_a_report_is_a_json_file_of_its_own(detect: Command, short: Path, tmp_path: Path, name: str) -> None:
    put(short, "a.mp4", folder=tmp_path / "in")
    put(short, "precious.mp4", folder=tmp_path)
    before = (tmp_path / "precious.mp4").read_bytes()
    ended = detect("--report", name if "://" in name else tmp_path / name)
    assert ended.code == 2
    assert "--report cannot write to" in ended.err
    assert (tmp_path / "precious.mp4").read_bytes() == before


def test_a_report_that_cannot_be_written_is_told_before_the_work(detect: Command, short: Path, tmp_path: Path) -> None:
    put(short, "a.mp4", folder=tmp_path / "in")
    (tmp_path / "file").touch()
    ended = detect("--report", tmp_path / "file" / "report.json")
    assert ended.code == 1
    assert "report.json cannot be written" in ended.err
    assert not (tmp_path / "out").exists()


def test_a_profile_is_of_one_clip(detect: Command, short: Path, tmp_path: Path) -> None:
    put(short, "a.mp4", folder=tmp_path / "in")
    ended = detect("--profile")
    assert ended.code == 2
    assert "--profile works with a single clip only" in ended.err


def test_footage_that_moved_is_taken_over(
    vidtrack: Command, short: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    put(short, "a.mp4", folder=tmp_path / "in")
    options = "-o", tmp_path / "out", "--model", tiny_checkpoint, "--score", 0.3
    assert vidtrack("detect", tmp_path / "in", *options).code == 0
    (tmp_path / "in").rename(tmp_path / "moved")
    assert "already exist" in vidtrack("detect", tmp_path / "moved", *options).err
    assert "1 clip: 1 skipped" in vidtrack("detect", tmp_path / "moved", *options, "--skip-existing").err
    (clip,) = json.loads((tmp_path / "out" / FOLDER / "report.json").read_text())["clips"]
    assert (clip["source"], clip["state"], clip["frames"]) == ("../moved/a.mp4", "complete", 6)
    assert "1 clip: 1 done before" in vidtrack("detect", tmp_path / "moved", *options).err


def test_a_single_clip_may_be_given_up_too(
    vidtrack: Command, short: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    ended = vidtrack("detect", short, "-o", f"{tmp_path}/", "--model", tiny_checkpoint, "--timeout", "0.01")
    assert ended.code == 1
    assert "it took longer than 0.01 s" in ended.err


def test_a_watch_has_no_last_clip(detect: Command, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    ended = detect("--watch", "--limit", 3)
    assert ended.code == 2 and "--limit cannot be used with --watch" in ended.err


def test_a_killed_batch_takes_its_workers_along_and_is_finished_later(
    start: Callable[..., subprocess.Popen[str]], short: Path, long: Path, tmp_path: Path
) -> None:
    put(long, "long.mp4", folder=tmp_path / "in")
    put(short, "a.mp4", folder=tmp_path / "in")
    killed = start("--jobs", "2")
    wait_for(lambda: logged_frames(tmp_path) > 0)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate(timeout=60)  # the workers hold standard error open as long as they live
    assert not (tmp_path / "out/long.tracks.jsonl").exists()

    (tmp_path / "out/long.tracks.jsonl.partial").unlink()  # so that the next one's can be told
    interrupted = start()
    wait_for(lambda: logged_frames(tmp_path) > 0)
    os.killpg(interrupted.pid, signal.SIGINT)  # as a terminal does
    _, said = interrupted.communicate(timeout=60)
    assert interrupted.returncode == 130, said
    assert "Traceback" not in said
    assert states(tmp_path) == {"a.mp4": "done", "long.mp4": "interrupted"}
    assert TrackLog.load(tmp_path / "out/long.tracks.jsonl").status == "interrupted"
    assert '<td class="state">interrupted' in (tmp_path / "out" / FOLDER / "index.html").read_text()

    last = start("--stride", "9")
    _, said = last.communicate(timeout=120)
    assert last.returncode == 0, said
    assert set(states(tmp_path).values()) == {"done"}
    assert TrackLog.load(tmp_path / "out/long.tracks.jsonl").status == "complete"
    assert not list((tmp_path / "out").rglob("*.partial"))


def test_a_watched_folder(start: Callable[..., subprocess.Popen[str]], short: Path, tmp_path: Path) -> None:
    put(short, "a.mp4", folder=tmp_path / "in")
    watching = start("--watch")
    wait_for((tmp_path / "out/a.tracks.jsonl").exists)
    growing = tmp_path / "in/b.mp4"
    growing.write_bytes(short.read_bytes()[:100])
    time.sleep(3)  # it is not whole yet
    put(short, "b.mp4", folder=tmp_path / "in")
    wait_for((tmp_path / "out/b.tracks.jsonl").exists)
    wait_for(lambda: states(tmp_path) == {"a.mp4": "done", "b.mp4": "done"})
    os.kill(watching.pid, signal.SIGINT)
    _, said = watching.communicate(timeout=60)
    assert "Traceback" not in said
    assert watching.returncode == 0, said
    assert json.loads(said.splitlines()[-1])["counts"] == {"complete": 2}


def test_results_beside_the_clips_folder_find_their_clips(
    vidtrack: Command, tiny_checkpoint: Path, short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    footage, out = tmp_path / "footage", tmp_path / "out"
    footage.mkdir()
    shutil.copy(short, footage / "a.mp4")
    monkeypatch.chdir(footage)
    assert vidtrack("detect", ".", "-o", "../out", "--model", tiny_checkpoint).code == 0
    monkeypatch.chdir(out)
    ended = vidtrack("report", ".")
    assert ended.code == 0, ended.err
    assert "a.report.html" in (out / FOLDER / "index.html").read_text("utf-8")
