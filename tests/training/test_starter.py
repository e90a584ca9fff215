"""From someone's own files to a recipe that trains, in one command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ended
from tests.training.conftest import write_coco
from vidtrack.model.checkpoint import read_checkpoint
from vidtrack.training.config import load_config
from vidtrack.training.starter import STEPS, starter_recipe

Command = Callable[..., Ended]


def test_the_recipe_trains(vidtrack: Command, tiny_checkpoint: Path, tmp_path: Path) -> None:
    data, recipe, out = write_coco(tmp_path / "pictures"), tmp_path / "own.json", tmp_path / "run"
    made = vidtrack("data", "recipe", data, "--validation", data, "--init", tiny_checkpoint, "--out", recipe)
    assert made.code == 0, made.err
    assert "no --validation" not in made.err
    check = vidtrack("data", "check", recipe)
    assert check.code == 2
    assert "4 pictures that are trained on too" in check.out
    ended = vidtrack("train", recipe, "--out", out, "--steps", "2", "--quiet")
    assert ended.code == 0, ended.err
    config, _, _ = read_checkpoint(out / "model.safetensors")
    assert config.classes == ("person", "car")  # there is no dog in any picture


def test_settings_follow_the_data(tiny_checkpoint: Path, tmp_path: Path) -> None:
    data = write_coco(tmp_path / "pictures")
    config = starter_recipe([data], init=str(tiny_checkpoint))
    assert config.steps == STEPS[0]
    assert config.model.num_classes == 2
    assert (64, 96) in config.augment.canvases  # the pictures' shape
    assert config.model.denoising  # though the checkpoint has no label embedding
    assert config.tracks.share == 0
    assert starter_recipe([data], init=str(tiny_checkpoint), classes=("dog",)).model.classes == ("dog",)


def test_a_recipe_survives_its_file(vidtrack: Command, tiny_checkpoint: Path, tmp_path: Path) -> None:
    data, recipe = write_coco(tmp_path / "pictures"), tmp_path / "own.json"
    assert vidtrack("data", "recipe", data, "--init", tiny_checkpoint, "--out", recipe).code == 0
    assert load_config(recipe) == starter_recipe([data], init=str(tiny_checkpoint))
    again = vidtrack("data", "recipe", data, "--init", tiny_checkpoint, "--out", recipe)
    assert again.code == 2
    assert "exists already" in again.err


def test_sets_of_one_name_are_told_apart(vidtrack: Command, tiny_checkpoint: Path, tmp_path: Path) -> None:
    data = [write_coco(tmp_path / name / "pictures") for name in "ab"]
    recipe = tmp_path / "own.json"
    assert vidtrack("data", "recipe", *data, "--init", tiny_checkpoint, "--out", recipe).code == 0
    assert [item.name for item in load_config(recipe).data.train] == ["pictures-train", "pictures-train-2"]
    assert vidtrack("data", "check", recipe).code == 0
    recipe.write_text(recipe.read_text().replace("train-2", "train"))
    refused = vidtrack("train", recipe, "--out", tmp_path / "run")
    assert refused.code == 2
    assert "two train sets of the training recipe are named pictures-train (name them apart)" in refused.err


@pytest.mark.parametrize(
    ("annotations", "pictures"),
    [
        ("_annotations.coco.json", "."),
        ("annotations/instances_train2017.json", "train2017"),
        ("annotations/instances_default.json", "images"),
        ("train.json", "train"),
    ],
)
def test_pictures_are_found_at_the_usual_places(
    tiny_checkpoint: Path, tmp_path: Path, annotations: str, pictures: str
) -> None:
    place = tmp_path / annotations
    place.parent.mkdir(exist_ok=True)
    write_coco(tmp_path / pictures).rename(place)
    config = starter_recipe([place], init=str(tiny_checkpoint))
    assert Path(config.data.train[0].pictures) == (tmp_path / pictures).resolve()


def test_data_that_cannot_be_used(vidtrack: Command, tiny_checkpoint: Path, tmp_path: Path) -> None:
    data = write_coco(tmp_path / "pictures")
    lost, empty = tmp_path / "lost.json", tmp_path / "empty.json"
    lost.write_text(data.read_text())
    empty.write_text(json.dumps({**json.loads(data.read_text()), "annotations": []}))
    for given, said in (
        (lost, "say where the pictures lie with --pictures"),
        (empty, "no picture has a box"),
        (tmp_path, "is a folder without gt/gt.txt"),
        (tmp_path / "nothing.json", "No such file"),
    ):
        ended = vidtrack("data", "recipe", given, "--init", tiny_checkpoint, "--out", tmp_path / "own.json")
        assert ended.code in (1, 2)
        assert said in ended.err
        assert len(ended.err.splitlines()) == 1
        assert not (tmp_path / "own.json").exists()
