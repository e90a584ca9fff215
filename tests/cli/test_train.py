from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.conftest import Ended
from tests.networks import TINY
from tests.training.conftest import CLASSES, write_coco
from vidtrack.cli.training_progress import closing_lines
from vidtrack.datasets.records import SetConfig
from vidtrack.training.recipe import AugmentConfig, DataConfig, TrainConfig
from vidtrack.training.recipe_template import write_recipe

Command = Callable[..., Ended]


@pytest.fixture
def recipe(tmp_path: Path, tiny_checkpoint: Path) -> Path:
    sets = (SetConfig("shapes", str(write_coco(tmp_path / "images"))),)
    config = TrainConfig(
        model=msgspec.structs.replace(TINY, num_classes=len(CLASSES), classes=CLASSES),
        data=DataConfig(train=sets, validation=sets),
        augment=AugmentConfig(canvases=((64, 96),)),
        init=str(tiny_checkpoint),
        steps=4,
        batch=2,
        evaluate_steps=4,
        log_steps=2,
    )
    write_recipe(config, tmp_path / "recipe.json")
    return tmp_path / "recipe.json"


def test_a_run_says_where_it_stands_and_what_comes_next(vidtrack: Command, recipe: Path, tmp_path: Path) -> None:
    ended = vidtrack("train", recipe, "--out", tmp_path / "run")
    assert ended.code == 0, ended.err
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    scores = {line["step"]: line["evaluation"]["shapes"]["ap50"] for line in lines if "evaluation" in line}
    assert set(scores) == {0, 4}
    assert "step 2 of 4  loss " in ended.err and "images/s  0:" in ended.err
    assert f"done: 4 steps, validation AP50 {scores[4]:.3f}, {scores[0]:.3f} before training\n" in ended.err
    assert f"next: vidtrack detect CLIP --model {tmp_path}/run/model.safetensors\n" in ended.err
    assert ("no better than before training" in ended.err) == (scores[4] <= scores[0])


def test_a_run_that_stops_early_says_how_to_go_on(vidtrack: Command, recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "run one"
    ended = vidtrack("train", recipe, "--out", out, "--max-minutes", 0)
    assert ended.code == 0, ended.err
    assert f"stopped at step 0 of 4\nnext: vidtrack train {recipe} --out '{out}' --resume\n" in ended.err
    assert "before training" in vidtrack("train", recipe, "--out", out, "--resume").err


def test_what_changed_the_recipe_is_needed_again_to_go_on(vidtrack: Command, recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    ended = vidtrack("train", recipe, "--out", out, "--steps", 2, "--max-minutes", 0)
    (following,) = [line for line in ended.err.splitlines() if line.startswith("next: ")]
    assert following == f"next: vidtrack train {recipe} --out {out} --steps 2 --resume"
    assert vidtrack(*following.removeprefix("next: vidtrack ").split()).code == 0


@pytest.mark.parametrize(("reached", "warned"), [(0.5, True), (0.6, True), (0.7, False)])
def test_a_run_no_better_than_its_start_is_warned_of(tmp_path: Path, reached: float, warned: bool) -> None:
    lines = [{"step": step, "evaluation": {"set": {"ap50": value}}} for step, value in ((0, 0.6), (8, reached))]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    said = closing_lines(Path("r.json"), tmp_path, 8, 8)
    assert said[0] == f"done: 8 steps, validation AP50 {reached:.3f}, 0.600 before training"
    assert any("no better than before training" in line for line in said) == warned
