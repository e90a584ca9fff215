"""What carries a training run to a machine that is lent for minutes, and back."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import tarfile
from pathlib import Path

import pytest
from msgspec.structs import replace

from vidtrack.training.recipe import TrainConfig

RECIPES = Path(__file__).parents[2] / "weights" / "recipes"
TRAINS = """#!/bin/bash
echo "$@" > arguments
mkdir -p run/state/step-0000007
echo '{"state": "step-0000007"}' > run/state/latest.json
touch run/metrics.jsonl run/model.safetensors run/state/step-0000007/progress.json
exit 5
"""


def piece(folder: Path, command: str) -> int:
    (folder / "bin").mkdir()
    (folder / "bin/python3").write_text(command)
    (folder / "bin/python3").chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    arguments = ["bash", str(RECIPES / "train_piece.sh"), "recipe.json", "data", "run", "8", "out", "--steps", "9"]
    return subprocess.run(arguments, cwd=folder, env=environment, check=False).returncode


def test_a_piece_leaves_its_state_and_weights_alone(tmp_path: Path) -> None:
    (tmp_path / "out/state/step-0000003").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/init.safetensors").touch()
    assert piece(tmp_path, TRAINS) == 5
    left = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert left == {"metrics.jsonl", "model.safetensors", "state/latest.json", "state/step-0000007/progress.json"}
    assert not (tmp_path / "out/state/step-0000003").exists()
    assert "--init data/init.safetensors --steps 9" in (tmp_path / "arguments").read_text()


def test_a_piece_that_fails_at_once_says_how(tmp_path: Path) -> None:
    assert piece(tmp_path, "#!/bin/bash\nexit 2\n") == 2


def test_a_damaged_archive_ends_a_piece_before_it_trains(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/piece-00.tar").write_bytes(b"no archive")
    assert piece(tmp_path, TRAINS) not in (0, 5)
    assert not (tmp_path / "arguments").exists()


def pack(recipe: TrainConfig, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "recipe.json"
    path.write_text(json.dumps(recipe.to_dict()))
    arguments = ["pack_data.py", str(path), "--root", str(folder), "--out", str(folder / "packed")]
    monkeypatch.setattr("sys.argv", arguments)
    runpy.run_path(str(RECIPES / "pack_data.py"), run_name="__main__")


def test_weights_to_begin_from_that_are_missing_are_not_left_out(
    recipe: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit, match=r"begins from missing/backbone\.safetensors, which is no file"):
        pack(replace(recipe, init="missing/backbone.safetensors"), tmp_path, monkeypatch)


@pytest.mark.parametrize("name", ["init.safetensors", "default"])
def test_what_a_run_begins_from_is_packed(
    recipe: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    init = tmp_path / name if name.endswith("safetensors") else Path(name)
    if init.is_absolute():
        init.write_bytes(b"weights")
    pack(replace(recipe, init=str(init)), tmp_path, monkeypatch)
    with tarfile.open(tmp_path / "packed/piece-00.tar") as packed:
        pictures = {f"pictures/{number:03d}.webp" for number in range(4)}
        expected = pictures | {"pictures/train.json"} | ({"init.safetensors"} if init.is_absolute() else set())
        assert set(packed.getnames()) == expected
