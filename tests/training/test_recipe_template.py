"""From someone's own files to a recipe that trains, in one command."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.conftest import Ended
from tests.networks import TINY
from tests.training.conftest import mot_folder, write_coco
from vidtrack.core.errors import OutputError
from vidtrack.model.checkpoint import read_checkpoint, save_checkpoint
from vidtrack.model.detector import DeformableDETR
from vidtrack.training.loop import train
from vidtrack.training.recipe import load_config
from vidtrack.training.recipe_template import STEPS, starter_recipe, write_recipe

Command = Callable[..., Ended]


def test_the_recipe_trains(vidtrack: Command, tiny_checkpoint: Path, tmp_path: Path) -> None:
    data, recipe, out = write_coco(tmp_path / "pictures"), tmp_path / "own.json", tmp_path / "run"
    made = vidtrack("data", "recipe", data, "--validation", data, "--init", tiny_checkpoint, "--out", recipe)
    assert made.code == 0, made.err
    assert "no --validation" not in made.err
    check = vidtrack("data", "check", recipe)
    assert check.code == 2
    assert "4 images that are trained on too" in check.out
    ended = vidtrack("train", recipe, "--out", out, "--steps", "2", "--quiet")
    assert ended.code == 0, ended.err
    config, _, _ = read_checkpoint(out / "model.safetensors")
    assert config.classes == ("person", "car")  # there is no dog in any image


def test_settings_follow_the_data(tiny_checkpoint: Path, tmp_path: Path) -> None:
    data = write_coco(tmp_path / "pictures")
    config = starter_recipe([data], init=str(tiny_checkpoint))
    assert config.steps == STEPS[0]
    assert config.model.num_classes == 2
    assert (64, 96) in config.augment.canvases  # the images' shape
    assert config.model.denoising  # though the checkpoint has no label embedding
    assert config.tracks.share == 0


def test_a_model_of_one_stage_trains_too(tmp_path: Path) -> None:
    one_stage = replace(TINY, two_stage=False, mixed_query_selection=False)
    save_checkpoint(DeformableDETR(one_stage), tmp_path / "one.safetensors")
    config = starter_recipe([write_coco(tmp_path / "pictures")], init=str(tmp_path / "one.safetensors"), steps=1)
    assert train(replace(config, batch=2, threads=1), tmp_path / "run").step == 1


@pytest.mark.parametrize(
    ("two_stage", "queries", "share"), [(True, "trained", 0.2), (True, "none", 0), (False, "trained", 0)]
)
def test_models_whose_queries_are_carried_learn_tracks(
    tmp_path: Path, two_stage: bool, queries: str, share: float
) -> None:
    model = replace(TINY, two_stage=two_stage, mixed_query_selection=two_stage, track_queries=queries)
    save_checkpoint(DeformableDETR(model), tmp_path / "model.safetensors")
    data = mot_folder(tmp_path / "clip", "1,7,11,21,10,20,1\n")
    assert starter_recipe([data], init=str(tmp_path / "model.safetensors")).tracks.share == share


def test_a_recipe_survives_its_file(vidtrack: Command, tiny_checkpoint: Path, tmp_path: Path) -> None:
    data, recipe = write_coco(tmp_path / "pictures"), tmp_path / "own.json"
    assert vidtrack("data", "recipe", data, "--init", tiny_checkpoint, "--out", recipe).code == 0
    assert load_config(recipe) == starter_recipe([data], init=str(tiny_checkpoint))
    again = vidtrack("data", "recipe", data, "--init", tiny_checkpoint, "--out", recipe)
    assert again.code == 2
    assert "already exists" in again.err


def test_sets_of_one_name_are_told_apart(vidtrack: Command, tiny_checkpoint: Path, tmp_path: Path) -> None:
    data = [write_coco(tmp_path / name / "pictures") for name in "ab"]
    recipe = tmp_path / "own.json"
    assert vidtrack("data", "recipe", *data, "--init", tiny_checkpoint, "--out", recipe).code == 0
    assert [item.name for item in load_config(recipe).data.train] == ["pictures-train", "pictures-train-2"]
    assert vidtrack("data", "check", recipe).code == 0
    recipe.write_text(recipe.read_text().replace("train-2", "train"))
    refused = vidtrack("train", recipe, "--out", tmp_path / "run")
    assert refused.code == 2
    assert "two train sets are named pictures-train; give each its own name - at `$.data`" in refused.err


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
    assert Path(config.data.train[0].images) == (tmp_path / pictures).resolve()


@pytest.mark.parametrize(
    ("wanted", "classes"), [("dog", ("dog",)), ("Car,person,PERSON", ("car", "person")), (None, ("person", "car"))]
)
def test_classes_are_those_of_the_data(
    tiny_checkpoint: Path, tmp_path: Path, wanted: str | None, classes: tuple[str, ...]
) -> None:
    data = write_coco(tmp_path / "pictures")
    config = starter_recipe([data], init=str(tiny_checkpoint), classes=wanted and wanted.split(","))
    assert config.model.classes == classes


def test_a_class_that_the_data_lack(vidtrack: Command, tiny_checkpoint: Path, tmp_path: Path) -> None:
    data, recipe = write_coco(tmp_path / "pictures"), tmp_path / "own.json"
    ended = vidtrack("data", "recipe", data, "--init", tiny_checkpoint, "--out", recipe, "--classes", "persn,car")
    assert ended.code == 2
    assert ended.err == "vidtrack: error: the data has no class 'persn' (did you mean person?)\n"
    assert not recipe.exists()


def test_a_recipe_replaces_no_input(vidtrack: Command, tiny_checkpoint: Path, tmp_path: Path) -> None:
    data, measured = write_coco(tmp_path / "pictures"), write_coco(tmp_path / "measured")
    nowhere = tmp_path / "nowhere.json"
    nowhere.symlink_to(tmp_path / "nothing.json")
    before = data.read_bytes()
    for out, options, said in (
        (data, ["--overwrite"], "would replace another file of this command"),
        (measured, ["--overwrite"], "would replace another file of this command"),
        (nowhere, [], "already exists"),
        (tmp_path / "pictures" / "000.png", ["--overwrite"], "is not a .json file (give a name that ends in .json)"),
    ):
        ended = vidtrack("data", "recipe", data, "--validation", measured, "--out", out, *options)
        assert ended.code == 2
        assert said in ended.err
    assert data.read_bytes() == measured.read_bytes() == before


def test_a_recipe_is_written_whole_or_not_at_all(
    tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, out = write_coco(tmp_path / "pictures"), tmp_path / "own.json"
    change = {"categories": [{"id": 1, "name": "half \ud800"}, {"id": 3, "name": "car"}]}
    data.write_text(json.dumps({**json.loads(data.read_text()), **change}))
    config = starter_recipe([data], init=str(tiny_checkpoint))
    write_recipe(config, out)
    assert load_config(out) == config
    before = out.read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match=r"own\.json cannot be written: No space left"):
        write_recipe(config, out)
    assert out.read_bytes() == before


def test_data_that_cannot_be_used(vidtrack: Command, tiny_checkpoint: Path, tmp_path: Path) -> None:
    data = write_coco(tmp_path / "pictures")
    lost, empty = tmp_path / "lost.json", tmp_path / "empty.json"
    lost.write_text(data.read_text())
    empty.write_text(json.dumps({**json.loads(data.read_text()), "annotations": []}))
    for given, said in (
        (lost, "give the folder of the images with --images"),
        (empty, "no image has a box"),
        (tmp_path, "is a folder without gt/gt.txt"),
        (tmp_path / "nothing.json", "No such file"),
    ):
        ended = vidtrack("data", "recipe", given, "--init", tiny_checkpoint, "--out", tmp_path / "own.json")
        assert ended.code in (1, 2)
        assert said in ended.err
        assert len(ended.err.splitlines()) == 1
        assert not (tmp_path / "own.json").exists()
