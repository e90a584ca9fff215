from __future__ import annotations

import functools
import json
import operator
import re
from pathlib import Path

import pytest

from vidtrack.core.errors import UsageError, WeightsError
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
        ({"data": {"train": [{"name": "a"}]}}, r"lacks a field: data.train\[0\].path"),
        ({"init": "${NO_SUCH_VARIABLE}"}, "NO_SUCH_VARIABLE"),
        ({"augment": 5}, "augment in the training recipe must be an object"),
        ({"augment": {"canvases": 5}}, "augment.canvases in the training recipe must be a list, not 5"),
        ({"augment": {"canvases": [[288]]}}, r"augment.canvases\[0\] in the training recipe must be a list of 2"),
        ({"augment": {"canvases": []}}, "augment.canvases in the training recipe has 0 entries, not from 1"),
        ({"augment": {"scale": [2, 1]}}, r"augment.scale in the training recipe is \(2.0, 1.0\)"),
        ({"steps": True}, "steps in the training recipe must be int, not True"),
        ({"loss": {"focal_alpha": float("nan")}}, "loss.focal_alpha in the training recipe must be float, not nan"),
        ({"loss": {"focal_alpha": 10**400}}, "loss.focal_alpha in the training recipe must be float, not 1000"),
        ({"data": {"train": []}}, "data.train in the training recipe has 0 entries, not from 1"),
        ({"data": {}}, "data.train in the training recipe has 0 entries"),
        ({"model": {}}, "model.classes in the training recipe is empty"),
        ({"loss": {"denoising_queries": 8}}, "loss.denoising_queries .* is 8, and the model is without denoising"),
        ({"loss": {"hybrid_queries": 8}}, "loss.hybrid_queries .* is 8, and the model is without mixed_query_sel"),
        ({"tracks": {"share": 0.1}}, r"tracks.share .* is 0.1, and the model is without two_stage \(set model.two_"),
    ],
)
def test_wrong_recipes_are_named(tmp_path: Path, fields: dict, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load_config(write(tmp_path / "recipe.json", **fields))


@pytest.mark.parametrize(
    ("place", "value", "allowed"),
    [
        ("tracks.share", 1.5, "from 0 to 1"),
        ("tracks.max_tracks", 0, "from 1 to 10000"),
        ("augment.photometric", -3.0, "from 0 to 1"),
        ("augment.flip", 1.01, "from 0 to 1"),
        ("augment.grow_from", 0.0, "from 0.01 to 1"),
        ("augment.scale[1]", 1e9, "from 0.01 to 100"),
        ("augment.canvases[1][0]", 10_000_000, "from 1 to 8192"),
        ("loss.denoising_queries", 10**9, "from 0 to 10000"),
        ("optim.lr", 1e308, "from 0 to 1"),
        ("optim.weight_decay", -1e308, "from 0 to 1"),
        ("optim.ema", 2.0, "from 0 to 1"),
        ("optim.warmup", -1.0, "from 0 to 1"),
        ("optim.milestones[0]", 800.0, "from 0 to 1"),
        ("optim.clip", -0.1, "from 0 to 1000"),
        ("optim.accumulate", 0, "from 1 to 10000"),
        ("optim.schedule", "sawtooth", "one of multistep, onecycle"),
        ("optim.precision", "float16", "one of float32, bfloat16"),
        ("data.cache_size", 0, "from 1 to 8192"),
        ("data.train[0].kind", "voc", "one of coco, mot"),
        ("data.train[0].weight", -1.0, "from 0 to 1000"),
        ("steps", 0, "from 1 to 1000000000"),
        ("batch", 10**12, "from 1 to 4096"),
        ("seed", 10**30, "from 0 to 4294967295"),
        ("threads", 1_000_000, "from 0 to 256"),
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
    assert str(caught.value) == f"{place} in the training recipe is {value!r}, not {allowed}"


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
    (tmp_path / "broken.json").write_text("[" * 100_000)
    with pytest.raises(UsageError, match="nested too deeply"):
        load_config(tmp_path / "broken.json")
    (tmp_path / "broken.json").write_text("[" * 900 + "]" * 900)
    with pytest.raises(UsageError, match="holds no training recipe"):
        load_config(tmp_path / "broken.json")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        load_config(tmp_path)
    with pytest.raises(WeightsError, match="detector config is 5"):
        load_config(write(tmp_path / "recipe.json", model=5))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("score", 7, "score is 7.0, not from 0 to 1"),
        ("proposal_iou", float("nan"), "proposal_iou is nan, not from 0 to 1"),
        ("proposal_cells", 1e308, r"proposal_cells is 1e\+308, not from 0 to 1000"),
        ("dropout", 10**400, "dropout is 1000.*, not of type float"),
    ],
)
def test_numbers_of_the_model_have_ranges_too(tmp_path: Path, name: str, value: float, said: str) -> None:
    with pytest.raises(WeightsError, match=said):
        load_config(write(tmp_path / "recipe.json", model={name: value}))


def test_overrides(tmp_path: Path) -> None:
    assert load_config(write(tmp_path / "recipe.json"), {"init": "weights"}).init == "weights"
