from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from torch import Tensor

from tests.conftest import Ended
from tests.media import EXAMPLE_CLIP
from vidtrack.cli.values import parse_rate
from vidtrack.model.checkpoint import read_checkpoint
from vidtrack.ops import reference

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


def test_probe_for_people_and_programs(vidtrack: Command) -> None:
    ended = vidtrack("probe", EXAMPLE_CLIP)
    assert ended.code == 0
    assert "640x272" in ended.out and "h264" in ended.out
    values = json.loads(vidtrack("probe", "--json", EXAMPLE_CLIP).out)
    assert values["size"] == [640, 272]
    assert values["average_rate"] == [25, 1]


def test_probe_of_no_video_is_3(vidtrack: Command, tmp_path: Path) -> None:
    ended = vidtrack("probe", tmp_path / "absent.mp4")
    assert ended.code == 3
    assert ended.err.splitlines() == [f"vidtrack: error: {tmp_path}/absent.mp4 does not exist (check the name)"]


def test_schema_is_json(vidtrack: Command) -> None:
    assert json.loads(vidtrack("schema").out)["title"].startswith("vidtrack track log")


def test_doctor_names_what_is_missing(vidtrack: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = json.loads(vidtrack("doctor", "--json").out)
    assert facts["sampler"]["compiled"] in (True, False)
    assert "h264" in facts["video"]["codecs"]
    monkeypatch.setattr("vidtrack.ops.build_info", lambda: {"compiled": False, "reason": "no compiler"})
    ended = vidtrack("doctor")
    assert ended.code == 1
    assert "! the compiled sampler is not available, so inference is slower: no compiler" in ended.out


@pytest.mark.parametrize("wrong", ["no kernel image is available", 0.5])
def test_doctor_tries_the_kernels(vidtrack: Command, monkeypatch: pytest.MonkeyPatch, wrong: str | float) -> None:
    facts = json.loads(vidtrack("doctor", "--json").out)
    if not facts["sampler"]["compiled"]:
        pytest.skip("no compiled kernels to try")
    assert "cpu" in facts["sampler"]["works on"]

    def broken(value: Tensor, *others: object) -> Tensor:
        if isinstance(wrong, str):
            raise RuntimeError(f"{wrong}\nand more")
        return reference.deformable_attention(value, *others) + wrong

    monkeypatch.setattr("vidtrack.ops.deformable_attention", broken)
    ended = vidtrack("doctor")
    assert ended.code == 1
    said = wrong if isinstance(wrong, str) else "the answer is off by 0.5"
    assert f"! the compiled sampler fails on cpu: {said} (" in ended.out


def test_require_compiled_refuses_the_fallback(
    vidtrack: Command, tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidtrack.ops._library", None)
    ended = vidtrack(
        "detect", EXAMPLE_CLIP, "--require-compiled", "--model", tiny_checkpoint, "-o", tmp_path / "x.jsonl"
    )
    assert ended.code == 2
    assert "the compiled sampler is not in use" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_weights_are_listed(vidtrack: Command) -> None:
    ended = vidtrack("weights", "list")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert "(the default)" in lines[0]
    assert any(line.startswith("deformable-detr-with-box-refine-two-stage") for line in lines)


@pytest.mark.parametrize("command", ["pull", "path", "verify"])
def test_an_unknown_model_is_named(vidtrack: Command, command: str) -> None:
    ended = vidtrack("weights", command, "deformabel-detr")
    assert ended.code == 2
    assert "unknown model 'deformabel-detr'" in ended.err and "deformable-detr" in ended.err


def test_a_model_that_is_not_here(vidtrack: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDTRACK_CACHE", str(tmp_path))
    for command in ("path", "verify"):
        ended = vidtrack("weights", command, "deformable-detr")
        assert ended.code == 2
        assert "vidtrack weights pull deformable-detr" in ended.err


def test_the_shipped_model_is_here_and_whole(vidtrack: Command) -> None:
    name = vidtrack("weights", "list").out.split()[0]
    path = Path(vidtrack("weights", "path", name).out.strip())
    assert vidtrack("weights", "pull", name).out.strip() == str(path)  # nothing to download
    ended = vidtrack("weights", "verify", name)
    assert ended.code == 0
    assert ended.out.split() == [hashlib.sha256(path.read_bytes()).hexdigest(), name]


@pytest.mark.parametrize("layout", ["vidtrack", "official"])
def test_convert_and_back(vidtrack: Command, tiny_checkpoint: Path, tmp_path: Path, layout: str) -> None:
    target = tmp_path / ("copy.safetensors" if layout == "vidtrack" else "copy.pth")
    ended = vidtrack("weights", "convert", tiny_checkpoint, target, "--to", layout)
    if layout == "official":  # mixed query selection is not in the official code
        assert ended.code == 2
        assert len(ended.err.splitlines()) == 1
        return
    assert ended.code == 0, ended.err
    assert ended.out.strip() == str(target)
    assert read_checkpoint(target).state.keys() == read_checkpoint(tiny_checkpoint).state.keys()
    assert vidtrack("weights", "convert", tiny_checkpoint, target).code == 2  # it is there


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Subprocesses find the tree's package wherever a test runs."""
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLE_CLIP.parents[1]))
    yield


def test_a_set_of_any_name_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    from vidtrack.cli.training_progress import TrainingProgress

    with TrainingProgress(4, quiet=False) as show:
        show({"step": 2, "evaluation": {"[/red]\x1b[2Jcats": {"ap50": 0.5}}})
    assert r"step 2 of 4  validation AP50 [/red]\u001b[2Jcats 0.500" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "rate"),
    [("23.976023976", Fraction(24000, 1001)), ("29.97", Fraction(2997, 100)), ("100000", Fraction(100_000))],
)
def test_a_rate_is_the_ratio_that_is_meant(text: str, rate: Fraction) -> None:
    assert parse_rate(text) == rate
