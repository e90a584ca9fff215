from __future__ import annotations

import json
from pathlib import Path

import pytest

from vidtrack.errors import UsageError
from vidtrack.training.config import TrainConfig, config_from_dict, load_config

RECIPES = sorted((Path(__file__).parents[2] / "weights" / "recipes").glob("*.json"))


def write(path: Path, **fields: object) -> Path:
    values = {"model": {"num_classes": 1, "classes": ["person"]}, "data": {}, **fields}
    path.write_text(json.dumps(values))
    return path


def test_round_trip(recipe: TrainConfig) -> None:
    assert config_from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_load(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDTRACK_SHARED", "elsewhere")
    config = load_config(path)
    assert config.data.train[0].path.startswith("elsewhere/")
    trained = {Path(item.path) for item in config.data.train}
    assert not trained & {Path(item.path) for item in config.data.validation}


def test_there_are_recipes() -> None:
    assert RECIPES


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"stepz": 3}, "unknown field stepz"),
        ({"optim": {"rate": 1}}, "unknown field optim.rate"),
        ({"steps": "many"}, "steps in the training recipe must be int"),
        ({"data": {"train": [{"name": "a"}]}}, "lacks a field"),
        ({"init": "${NO_SUCH_VARIABLE}"}, "NO_SUCH_VARIABLE"),
    ],
)
def test_wrong_recipes_are_named(tmp_path: Path, fields: dict, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load_config(write(tmp_path / "recipe.json", **fields))


def test_missing_and_broken_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no training recipe"):
        load_config(tmp_path / "none.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(UsageError, match="not JSON"):
        load_config(tmp_path / "broken.json")


def test_overrides(tmp_path: Path) -> None:
    assert load_config(write(tmp_path / "recipe.json"), {"init": "weights"}).init == "weights"
