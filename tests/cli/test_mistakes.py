"""What people type first: each natural mistake is told the right next command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.media import EXAMPLE_CLIP
from vidtrack.cli.app import app, main
from vidtrack.cli.mistakes import COMMANDS, meant_command


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["run", "clip.mp4"], 2, "no such command run (vidtrack detect CLIP;"),
        (["blur", "clip.mp4"], 2, "vidtrack render LOG --blur"),
        (["detekt", "clip.mp4"], 2, "did you mean vidtrack detect?"),
        (["xyzzy"], 2, "see vidtrack --help"),
        (["detect", "clip.mp4", "--conf", "0.5"], 2, "use --score"),
        (["detect", "srt://host:1"], 2, "mpegts"),
        (["weights", "export", "default"], 2, "Choose from: onnx, openvino, tensorrt"),
        (["export", "log.jsonl"], 2, "--to"),
        (["detect", "0", "clip.mp4"], 2, "/dev/video0 must be the only input"),
        (["detect", "rtsp://host/cam", "--watch"], 2, "need files"),
        (["detect", "rtsp://127.0.0.1:9/cam", "-o", "out/"], 3, "check the address"),
    ],
)
def test_a_mistake_is_told_the_next_command(
    arguments: list[str],
    code: int,
    told: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == code
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and told in lines[0]


@pytest.mark.parametrize("command", ["render", "show", "report", "count", "validate"])
def test_a_clip_in_place_of_a_log_is_told_how_to_get_one(
    command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(EXAMPLE_CLIP.read_bytes())
    assert main([command, str(clip)]) == 3
    assert f"vidtrack detect {clip} makes its log" in capsys.readouterr().err
    (tmp_path / "clip.tracks.jsonl").touch()
    assert main([command, str(clip)]) == 3
    assert f"its log is {clip.with_name('clip.tracks.jsonl')}" in capsys.readouterr().err


def test_a_log_in_place_of_a_clip_is_told_what_takes_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "clip.tracks.jsonl").touch()
    assert main(["detect", str(tmp_path / "clip.tracks.jsonl")]) == 2
    assert "vidtrack show, render, report and export take logs" in capsys.readouterr().err


def test_a_file_in_place_of_a_command_is_told_the_whole_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my clip.mp4").touch()
    told = meant_command("No such command 'my clip.mp4'.", ["my clip.mp4", "--score", "0.5"])
    assert told == "a command is missing (vidtrack detect 'my clip.mp4' --score 0.5)"
    assert meant_command("Missing argument 'INPUT...'", []) is None


def test_the_commands_known_for_spelling_exist() -> None:
    from typer.main import get_command

    assert set(get_command(app).commands) <= set(COMMANDS)  # type: ignore[attr-defined]
