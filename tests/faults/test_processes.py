"""The command as a process: what it imports, two at once, signals and limits while it starts, and closed streams."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import Ended
from tests.media import Clip, write_clip
from vidtrack import TrackLog, track_video
from vidtrack.core.atomic_files import AtomicFile
from vidtrack.core.errors import OutputError
from vidtrack.core.stages import Progress
from vidtrack.model.detector import DeformableDETR
from vidtrack.pipeline.config import RunConfig
from vidtrack.video import VideoReader

ROOT = Path(__file__).parents[2]
SHADOWS = (
    "av cv2 json logging numpy pickle random selectors signal socket tempfile torch typer vidtrack/__init__".split()
)
SHADOW = "import os; open(os.path.join({folder!r}, 'ran-{name}'), 'w').close()\n"
_ALL_COMMANDS = """
import ast, sys
from vidtrack.__main__ import main
for arguments in ast.literal_eval(sys.argv[1]):
    sys.argv[1:] = arguments
    try:
        main()
    except SystemExit as end:
        assert not end.code, (arguments, end.code)
"""
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a clip and with Python files that are named as modules are and leave a mark if they run."""
    folder = tmp_path / "here"
    (folder / "vidtrack").mkdir(parents=True)
    for name in SHADOWS:
        mark = name.replace("/", "-")
        (folder / f"{name}.py").write_text(SHADOW.format(folder=str(tmp_path), name=mark))
    write_clip(folder / "clips.mp4", Clip(frames=4)).rename(folder / "clip.mp4")
    return folder


@pytest.fixture
def start(tmp_path: Path, here: Path, tiny_checkpoint: Path) -> Start:
    """The installed command in a process group of its own, in the folder with the clip."""
    command = tmp_path / "bin" / "vidtrack"
    command.parent.mkdir()
    command.write_text("from vidtrack.__main__ import main\n\nif __name__ == '__main__':\n    main()\n")

    def run(*arguments: object, **options: object) -> subprocess.Popen[str]:
        given = [str(argument) for argument in arguments]
        if given[0] == "detect":
            given += ["--model", str(tiny_checkpoint), "--score", "0.3", "--device", "cpu", "--progress", "none"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **options.pop("env", {})}  # type: ignore[dict-item]
        return subprocess.Popen(
            [sys.executable, str(command), *given],
            cwd=here,
            env=environment,
            stdout=options.pop("stdout", subprocess.PIPE),  # type: ignore[call-overload]
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **options,
        )

    return run


def end(process: subprocess.Popen[str], seconds: float = 240) -> tuple[int, str]:
    try:
        _, said = process.communicate(timeout=seconds)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, said


def ran(tmp_path: Path) -> list[str]:
    """Which files of the current folder were run."""
    return sorted(path.name for path in tmp_path.glob("ran-*"))


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_workers_of_a_batch_run_nothing_from_the_current_folder(start: Start, tmp_path: Path, method: str) -> None:
    temporary = tmp_path / ("t" * (80 if method == "spawn" else 1))  # too long for the socket of a fork server
    temporary.mkdir()
    short = {} if method == "forkserver" else {"TMPDIR": str(temporary)}
    code, said = end(start("detect", ".", "--jobs", 1, env=short))
    assert (code, ran(tmp_path)) == (0, []), said
    assert (tmp_path / "here" / "clip.tracks.jsonl").exists()


@pytest.mark.ray
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is missing: install vidtrack[test-cluster]")
def test_workers_on_ray_run_nothing_from_the_current_folder(start: Start, tmp_path: Path) -> None:
    code, said = end(start("detect", ".", "--jobs", 1, "--engine", "ray", env={"RAY_ADDRESS": "local"}))
    assert (code, ran(tmp_path)) == (0, []), said
    assert (tmp_path / "here" / "clip.tracks.jsonl").exists()


def test_no_command_runs_anything_from_the_current_folder(here: Path, tiny_checkpoint: Path, tmp_path: Path) -> None:
    """One process for all of them: what a command imports, the later ones find imported."""
    commands = [
        ["detect", "clip.mp4", "--model", str(tiny_checkpoint), "--score", "0.3", "--device", "cpu"],
        ["probe", "clip.mp4"],
        ["show", "clip.tracks.jsonl"],
        ["validate", "clip.tracks.jsonl"],
        ["export", "clip.tracks.jsonl", "--to", "mot"],
        ["render", "clip.tracks.jsonl"],
        ["report", "clip.tracks.jsonl"],
        ["weights", "list"],
    ]
    program = tmp_path / "bin" / "vidtrack"
    program.parent.mkdir()
    program.write_text(_ALL_COMMANDS, "utf-8")
    ended = subprocess.run(
        [sys.executable, str(program), repr(commands)],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ran(tmp_path)) == (0, []), ended.stderr


def test_as_a_module_it_runs_nothing_from_the_current_folder_either(here: Path, tmp_path: Path) -> None:
    shutil.rmtree(here / "vidtrack")  # which Python itself would run
    for name in ("typer", "socket", "json", "av"):
        assert (here / f"{name}.py").exists()
    for path in here.glob("*.py"):
        if path.stem in ("signal", "tempfile", "random", "logging", "pickle", "selectors"):
            path.unlink()
    ended = subprocess.run(
        [sys.executable, "-m", "vidtrack", "probe", "clip.mp4"],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ran(tmp_path)) == (0, []), ended.stderr


@pytest.mark.parametrize("option", ["--overwrite", "--resume"])
def test_of_two_runs_to_one_output_the_second_is_refused(
    tiny_model: DeformableDETR, tmp_path: Path, option: str
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=50))
    second: list[str] = []

    def run(progress: Callable[[Progress], None] | None = None) -> None:
        track_video(
            clip,
            tiny_model,
            log=tmp_path / "out.jsonl",
            video=tmp_path / "out.mp4",
            config=RunConfig(score=0.3, chunk_seconds=1.3, resume=option == "--resume"),
            overwrite=option == "--overwrite",
            progress=progress,
        )

    def try_again(now: Progress) -> None:
        if now.frames in (5, 45):  # in the first chunk, and after it was saved
            with pytest.raises(OutputError) as refused:
                run()
            second.append(str(refused.value))

    run(try_again)
    assert len(second) == 2
    for said in second:
        assert said.startswith(f"another run is writing {tmp_path / 'out.'}") and "\n" not in said
    assert len(TrackLog.load(tmp_path / "out.jsonl")) == 50
    with VideoReader(tmp_path / "out.mp4") as made:
        assert len(list(made)) == 50
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "out.jsonl", "out.mp4"]


@pytest.mark.parametrize("option", ["--overwrite", "--resume"])
def test_the_second_command_gets_one_line(
    vidtrack: Callable[..., Ended], here: Path, tiny_checkpoint: Path, option: str
) -> None:
    first = AtomicFile(here / "out.mp4")
    ended = vidtrack("detect", here / "clip.mp4", "-o", here / "out.mp4", "--model", tiny_checkpoint, option)
    assert ended.code == 1 and ended.err.count("\n") == 1
    assert f"another run is writing {here / 'out.mp4'} (wait for it" in ended.err
    assert not (here / "out.tracks.jsonl.partial").exists()
    first.discard()


@pytest.mark.parametrize("what", ["partial", "folder"])
def test_what_is_removed_during_a_run_is_one_line(tiny_model: DeformableDETR, tmp_path: Path, what: str) -> None:
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=120))  # more than an encoder holds back
    out = tmp_path / "out"
    out.mkdir()

    def remove(now: Progress) -> None:
        if now.frames == 110 and what == "folder":
            out.rename(tmp_path / "moved")
        elif now.frames == 110:
            for path in out.glob("*.partial"):
                path.unlink()

    with pytest.raises(OutputError, match=r"cannot be written: .*(gone|does not exist|No such file)"):
        track_video(clip, tiny_model, log=out / "a.jsonl", video=out / "a.mp4", progress=remove)
    assert not out.exists() or not list(out.iterdir())


@pytest.mark.parametrize(
    ("sent", "delays"), [(signal.SIGINT, (0.15, 0.6, 1.2, 2.5)), (signal.SIGTERM, (0.3, 0.9, 2.0))]
)
def test_an_interrupt_at_any_moment_of_the_start_is_quiet(
    start: Start, here: Path, sent: signal.Signals, delays: tuple[float, ...]
) -> None:
    shutil.copyfile(here / "clip.mp4", here / "b.mp4")
    for delay in delays:
        process = start("detect", ".", "--jobs", 2, "--overwrite")
        time.sleep(delay)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sent)
        code, said = end(process)
        if said.startswith("Fatal Python error: init_"):  # Python itself, on a slow machine
            continue
        assert "Traceback" not in said and "Exception ignored" not in said, (delay, said)
        assert code in (130, 0, -sent), (delay, code, said)  # by signal only before Python has started


def test_too_little_memory_is_one_line(start: Start) -> None:
    for megabytes in (400, 900, 1500):

        def limit(megabytes: int = megabytes) -> None:
            resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

        code, said = end(start("detect", "clip.mp4", "--overwrite", preexec_fn=limit))
        assert "Traceback" not in said, (megabytes, said)
        assert code != 0 or said == ""


def test_a_closed_standard_output_is_an_error(start: Start, here: Path) -> None:
    code, said = end(start("probe", "clip.mp4", stdout=None, preexec_fn=lambda: os.close(1)))
    assert code == 1 and "standard output is closed" in said


def test_a_device_is_not_a_model(vidtrack: Callable[..., Ended], here: Path) -> None:
    ended = vidtrack("detect", here / "clip.mp4", "--model", "/dev/zero")
    assert ended.code == 2 and "/dev/zero is not a file or folder" in ended.err


def test_a_pipe_among_images_is_refused(vidtrack: Callable[..., Ended], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "img_2.png")
    for name in ("img_1.png", "img_3.png"):
        (tmp_path / name).write_bytes(b"")
    for given in (tmp_path, tmp_path / "img_%d.png", tmp_path / "img_*.png", tmp_path / "img_2.png"):
        ended = vidtrack("probe", given)
        assert ended.code in (1, 3) and ended.err.count("\n") == 1, ended.err
