"""Video through pipes: standard input as it comes, raw video on standard output."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import av
import pytest

from tests.conftest import Ended, assert_one_line
from tests.media import Clip, write_clip
from vidtrack import TrackLog
from vidtrack.cli.app import main

Command = Callable[..., Ended]


class Piped(NamedTuple):
    """How a command line ended, and what it wrote."""

    code: int
    out: bytes
    err: bytes


@pytest.fixture
def run(tiny_checkpoint: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Iterator[Callable[..., Piped]]:
    """`vidtrack detect` in this process, with what came through descriptors 1 and 2; `given` is at descriptor 0."""
    before = os.dup(0)

    def ended(*arguments: object, given: Path | None = None) -> Piped:
        with open(os.devnull if given is None else given, "rb") as pipe:
            os.dup2(pipe.fileno(), 0)
        capfdbinary.readouterr()
        code = main(["detect", "-m", str(tiny_checkpoint), "--score", "0.3", *map(str, arguments)])
        return Piped(code, *capfdbinary.readouterr())

    yield ended
    os.dup2(before, 0)
    os.close(before)


def test_raw_video_is_all_that_goes_to_standard_output(run: Callable[..., Piped], tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=8))
    ended = run(clip, "-o", tmp_path / "log.jsonl", "--stdout", "video")
    assert ended.code == 0, ended.err
    with av.open(io.BytesIO(ended.out)) as made:
        assert made.format.name == "nut"
        assert len(list(made.decode(video=0))) == 8
    assert len(TrackLog.load(tmp_path / "log.jsonl")) == 8
    alone = run(clip, "-o", "-", "--stdout", "video")
    assert alone.out[:4] == b"nut/"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "log.jsonl"]


def test_a_viewer_that_closes_ends_it_in_one_line(tiny_checkpoint: Path, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=60))
    command = [sys.executable, "-m", "vidtrack", "detect", "-m", tiny_checkpoint, clip, "-o", "-", "--stdout", "video"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.read(40_000)
        process.stdout.close()
        said = process.stderr.read().decode()
    assert process.returncode == 1
    assert "standard output was closed by its reader" in said
    assert "Traceback" not in said and said.count("error") == 1


def test_a_pipe_is_tracked_as_it_comes_with_every_frame_at_its_time(
    run: Callable[..., Piped], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = write_clip(tmp_path / "clip.ts", Clip(frames=20))
    monkeypatch.setattr(sys, "stdin", io.StringIO())  # neither closed nor a terminal
    ended = run("-", "--live", "-o", "-", given=clip)
    assert ended.code == 0, ended.err
    frames = [line for line in map(json.loads, ended.out.splitlines()) if line["type"] == "frame"]
    assert [round(line["t"], 3) for line in frames] == [round(0.04 * index, 3) for index in range(20)]


def test_what_cannot_be_read_live_says_so(
    run: Callable[..., Piped], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=24, size=(640, 272)))  # its index is at the end
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with clip.open("rb") as whole, subprocess.Popen(["cat"], stdin=whole, stdout=subprocess.PIPE) as pipe:
        assert pipe.stdout is not None
        ended = run("-", "--live", "-o", tmp_path / "log.jsonl", given=Path(f"/proc/self/fd/{pipe.stdout.fileno()}"))
    assert ended.code == 3
    assert len(ended.err.decode().splitlines()) == 1
    assert "drop --live" in ended.err.decode()


def test_a_closed_standard_input_is_told_apart_from_a_terminal(
    vidtrack: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    ended = vidtrack("detect", "-", "-o", tmp_path / "log.jsonl")
    assert_one_line(ended, 2, "standard input is closed", "pipe a video")


@pytest.mark.parametrize("option", ["--no-video", "--resume"])
def test_options_that_need_files_are_refused(vidtrack: Command, tmp_path: Path, option: str) -> None:
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=8))
    assert_one_line(vidtrack("detect", clip, "--stdout", "video", option), 2, "--stdout video cannot be used with")


def test_one_clip_goes_to_standard_output(vidtrack: Command, tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        write_clip(tmp_path / name, Clip(frames=8))
    assert_one_line(vidtrack("detect", tmp_path, "-o", "-", "--stdout", "video"), 2, "takes one clip, got 2")
