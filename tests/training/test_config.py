from __future__ import annotations

import json
from pathlib import Path

import pytest

from vidtrack.errors import UsageError, WeightsError
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
        ({"augment": 5}, "augment in the training recipe must be an object"),
        ({"augment": {"canvases": 5}}, "augment.canvases in the training recipe must be a list, not 5"),
        ({"augment": {"canvases": [[288]]}}, r"augment.canvases in the training recipe must be a list of 2"),
        ({"augment": {"canvases": []}}, "canvases in the training recipe are"),
        ({"augment": {"scale": [2, 1]}}, r"scale in the training recipe is \(2.0, 1.0\)"),
        ({"augment": {"grow_from": 0}}, "grow_from 0.0"),
        ({"steps": 0}, "steps in the training recipe is 0, not 1 or more"),
        ({"steps": True}, "steps in the training recipe must be int, not True"),
        ({"batch": 0}, "batch in the training recipe is 0"),
        ({"loss": {"focal_alpha": float("nan")}}, "loss.focal_alpha in the training recipe must be float, not nan"),
        ({"optim": {"schedule": "sawtooth"}}, "unknown schedule in the training recipe: 'sawtooth'"),
        ({"optim": {"precision": "float16"}}, "unknown precision in the training recipe: 'float16'"),
        ({"optim": {"accumulate": 0}}, "accumulate in the training recipe is 0"),
        ({"data": {"train": [{"name": "a", "path": "b", "kind": "voc"}]}}, "unknown kind of set a"),
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
    (tmp_path / "broken.json").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not JSON"):
        load_config(tmp_path / "broken.json")
    (tmp_path / "broken.json").write_text("[1]")
    with pytest.raises(UsageError, match="holds no training recipe"):
        load_config(tmp_path / "broken.json")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        load_config(tmp_path)
    with pytest.raises(WeightsError, match="detector config is 5"):
        load_config(write(tmp_path / "recipe.json", model=5))


def test_overrides(tmp_path: Path) -> None:
    assert load_config(write(tmp_path / "recipe.json"), {"init": "weights"}).init == "weights"
