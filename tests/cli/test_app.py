"""The command as a whole: help, wrong usage, completion."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ended
from tests.media import EXAMPLE_CLIP

Command = Callable[..., Ended]


def test_help_lists_the_commands(vidtrack: Command) -> None:
    ended = vidtrack("--help")
    assert ended.code == 0
    for command in ("detect", "doctor", "probe", "schema", "train", "data", "weights"):
        assert command in ended.out


def test_without_a_command_there_is_help(vidtrack: Command) -> None:
    ended = vidtrack()
    assert ended.code == 2
    assert "detect" in ended.out + ended.err


def test_version(vidtrack: Command) -> None:
    ended = vidtrack("--version")
    assert ended.code == 0
    assert ended.out.startswith("vidtrack ")


@pytest.mark.parametrize("arguments", [("--nonsense",), ("detect",), ("detect", "x.mp4", "--stride", "0"), ("fly",)])
def test_wrong_usage_is_one_line(vidtrack: Command, arguments: tuple[str, ...]) -> None:
    ended = vidtrack(*arguments)
    assert ended.code == 2
    assert ended.err.startswith("vidtrack: error: ")
    assert len(ended.err.splitlines()) == 1


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from vidtrack.cli.app import main; main(['detect', '--help']); "
        "heavy = {'torch', 'av', 'cv2', 'numpy', 'scipy', 'rich.progress'} & set(sys.modules); "
        "print(sorted(heavy), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stderr.strip() == "[]"
    assert "--classes" in ended.stdout


def test_the_module_is_the_command() -> None:
    ended = subprocess.run([sys.executable, "-m", "vidtrack", "--version"], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_library_that_the_machine_lacks_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "av.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file: No such file')")
    ended = subprocess.run(
        [sys.executable, "-m", "vidtrack", "probe", str(EXAMPLE_CLIP)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("vidtrack: error: a system library is missing: libGL.so.1")
    assert ended.stderr.count("\n") == 1


def test_completion_can_be_had(vidtrack: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_VIDTRACK_COMPLETE", "source_bash")
    monkeypatch.setenv("SHELL", "/bin/bash")
    assert "_VIDTRACK_COMPLETE=complete_bash" in vidtrack().out
