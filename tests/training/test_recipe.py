from __future__ import annotations

import functools
import json
import operator
import re
from pathlib import Path

import pytest

from vidtrack.core.errors import UsageError
from vidtrack.training.recipe import TrainConfig, config_from_dict, load_config

RECIPES = sorted((Path(__file__).parents[2] / "weights" / "recipes").glob("*.json"))


def write(path: Path, **fields: object) -> Path:
    model = {"num_classes": 1, "classes": ["person"]}
    values = {"model": model, "data": {"train": [{"name": "a", "path": "b"}]}, **fields}
    path.write_text(json.dumps(values))
    return path


def test_round_trip(recipe: TrainConfig) -> None:
    assert config_from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_load(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SHARED", "LABELS", "PHOTOGRAPHS"):
        monkeypatch.setenv(f"VIDTRACK_{name}", "elsewhere")
    config = load_config(path)
    assert config.data.train[0].path.startswith("elsewhere/")
    trained = {Path(item.path) for item in config.data.train}
    assert not trained & {Path(item.path) for item in config.data.validation}


def test_there_are_recipes() -> None:
    assert RECIPES


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"stepz": 3}, "unknown field `stepz`"),
        ({"optim": {"rate": 1}}, r"unknown field `rate` - at `\$.optim`"),
        ({"steps": "many"}, r"Expected `int`, got `str` - at `\$.steps`"),
        ({"data": {"train": [{"name": "a"}]}}, r"missing required field `path` - at `\$.data.train\[0\]`"),
        ({"init": "${NO_SUCH_VARIABLE}"}, "NO_SUCH_VARIABLE"),
        ({"augment": 5}, r"Expected `object`, got `int` - at `\$.augment`"),
        ({"augment": {"canvases": 5}}, r"Expected `array`, got `int` - at `\$.augment.canvases`"),
        ({"augment": {"canvases": [[288]]}}, r"Expected `array` of length 2, got 1 - at `\$.augment.canvases\[0\]`"),
        ({"augment": {"canvases": []}}, r"Expected `array` of length >= 1 - at `\$.augment.canvases`"),
        ({"augment": {"scale": [2, 1]}}, r"scale \[2.0, 1.0\] must be two rising numbers - at `\$.augment`"),
        ({"steps": True}, r"Expected `int`, got `bool` - at `\$.steps`"),
        ({"loss": {"focal_alpha": float("nan")}}, r">= 0.0 - at `\$.loss.focal_alpha`"),
        ({"loss": {"focal_alpha": 10**400}}, r"out of range - at `\$.loss.focal_alpha`"),
        ({"data": {"train": []}}, r"Expected `array` of length >= 1 - at `\$.data.train`"),
        ({"data": {}}, r"missing required field `train` - at `\$.data`"),
        ({"model": {}}, "model.classes is empty"),
        ({"loss": {"denoising_queries": 8}}, "loss.denoising_queries is 8 but the model has no denoising"),
        ({"loss": {"hybrid_queries": 8}}, "loss.hybrid_queries is 8 but the model has no mixed_query_sel"),
        ({"tracks": {"share": 0.1}}, "tracks.share is 0.1 but the model has no two_stage; set model.two_"),
    ],
)
def test_wrong_recipes_are_named(tmp_path: Path, fields: dict, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load_config(write(tmp_path / "recipe.json", **fields))


@pytest.mark.parametrize(
    ("place", "value", "allowed"),
    [
        ("tracks.share", 1.5, "Expected `float` <= 1.0"),
        ("tracks.max_tracks", 0, "Expected `int` >= 1"),
        ("augment.photometric", -3.0, "Expected `float` >= 0.0"),
        ("augment.flip", 1.01, "Expected `float` <= 1.0"),
        ("augment.grow_from", 0.0, "Expected `float` >= 0.01"),
        ("augment.scale[1]", 1e9, "Expected `float` <= 100.0"),
        ("augment.canvases[1][0]", 10_000_000, "Expected `int` <= 8192"),
        ("loss.denoising_queries", 10**9, "Expected `int` <= 10000"),
        ("optim.lr", 1e308, "Expected `float` <= 1.0"),
        ("optim.weight_decay", -1e308, "Expected `float` >= 0.0"),
        ("optim.ema", 2.0, "Expected `float` <= 1.0"),
        ("optim.warmup", -1.0, "Expected `float` >= 0.0"),
        ("optim.milestones[0]", 800.0, "Expected `float` <= 1.0"),
        ("optim.clip", -0.1, "Expected `float` >= 0.0"),
        ("optim.accumulate", 0, "Expected `int` >= 1"),
        ("optim.schedule", "sawtooth", "Invalid enum value 'sawtooth'"),
        ("optim.precision", "float16", "Invalid enum value 'float16'"),
        ("data.cache_size", 0, "Expected `int` >= 1"),
        ("data.train[0].kind", "voc", "Invalid enum value 'voc'"),
        ("data.train[0].weight", -1.0, "Expected `float` >= 0.0"),
        ("steps", 0, "Expected `int` >= 1"),
        ("batch", 10**12, "Expected `int` <= 4096"),
        ("seed", 10**30, "Expected `int` <= 4294967295"),
        ("threads", 1_000_000, "Expected `int` <= 256"),
    ],
)
def test_numbers_out_of_range_are_named(
    recipe: TrainConfig, tmp_path: Path, place: str, value: object, allowed: str
) -> None:
    values = json.loads(json.dumps(recipe.to_dict() | {"augment": {"canvases": [[64, 96]] * 2, "scale": [1, 1]}}))
    *path, last = [int(part) if part.isdigit() else part for part in re.findall(r"\w+", place)]
    functools.reduce(operator.getitem, path, values)[last] = value
    (tmp_path / "recipe.json").write_text(json.dumps(values))
    with pytest.raises(UsageError) as caught:
        load_config(tmp_path / "recipe.json")
    assert str(caught.value) == f"{tmp_path / 'recipe.json'}: {allowed} - at `$.{place}`"


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
    with pytest.raises(UsageError, match="is not a training recipe"):
        load_config(tmp_path / "broken.json")
    (tmp_path / "broken.json").write_text("[" * 100_000)
    with pytest.raises(UsageError, match="nested too deeply"):
        load_config(tmp_path / "broken.json")
    (tmp_path / "broken.json").write_text("[" * 900 + "]" * 900)
    with pytest.raises(UsageError, match="is not a training recipe"):
        load_config(tmp_path / "broken.json")
    with pytest.raises(UsageError, match=r"cannot read the training recipe .*: Is a directory"):
        load_config(tmp_path)
    with pytest.raises(UsageError, match=r"Expected `object`, got `int` - at `\$.model`"):
        load_config(write(tmp_path / "recipe.json", model=5))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("score", 7, r"<= 1.0 - at `\$.model.score`"),
        ("proposal_iou", float("nan"), r">= 0.0 - at `\$.model.proposal_iou`"),
        ("proposal_cells", 1e308, r"<= 1000.0 - at `\$.model.proposal_cells`"),
        ("dropout", 10**400, r"out of range - at `\$.model.dropout`"),
    ],
)
def test_numbers_of_the_model_have_ranges_too(tmp_path: Path, name: str, value: float, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load_config(write(tmp_path / "recipe.json", model={name: value}))


def test_overrides(tmp_path: Path) -> None:
    assert load_config(write(tmp_path / "recipe.json"), {"init": "weights"}).init == "weights"
