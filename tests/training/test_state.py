"""A run that was stopped continues where it was, or says why it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.training.runs import assert_same_state, stop_after
from vidtrack.core.errors import OutputError, UsageError, WeightsError
from vidtrack.datasets.records import SetConfig
from vidtrack.training.loop import train
from vidtrack.training.metrics import read_metrics
from vidtrack.training.recipe import DataConfig, TrackConfig, TrainConfig, load_config


@pytest.mark.parametrize("tracks", [0.0, 1.0])
def test_resume_is_exact(recipe: TrainConfig, tmp_path: Path, tracks: float) -> None:
    config = replace(recipe, tracks=TrackConfig(share=tracks, drop=0.1, false=0.5))
    train(config, tmp_path / "whole")
    stop_after(config, tmp_path / "parts", 2)
    assert json.loads((tmp_path / "parts/state/latest.json").read_text()) == {"state": "step-0000002"}
    train(config, tmp_path / "parts", resume=True)
    assert_same_state(tmp_path / "whole", tmp_path / "parts")
    losses = [
        [line["losses"] for line in read_metrics(tmp_path / name / "metrics.jsonl") if "losses" in line]
        for name in ("whole", "parts")
    ]
    assert len(losses[0]) == 4
    assert losses[0] == losses[1]
    terms = set(losses[0][0])
    assert {
        f"{group}.{term}" for group in ("encoder", "objects", "hybrid", "denoising") for term in ("class", "l1", "giou")
    } < terms


def test_a_state_that_cannot_be_saved_leaves_the_one_before(recipe: TrainConfig, tmp_path: Path) -> None:
    train(recipe, tmp_path / "run", max_minutes=0.0)
    (tmp_path / "run/state/step-0000002").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot be saved in .*state"):
        train(recipe, tmp_path / "run", resume=True, max_minutes=0.0)
    (tmp_path / "run/state/step-0000002").unlink()
    assert train(recipe, tmp_path / "run", resume=True).step == 4


def test_another_recipe_does_not_resume_a_run(recipe: TrainConfig, tmp_path: Path) -> None:
    train(recipe, tmp_path / "run", max_minutes=0.0)
    begun = (tmp_path / "run/config.json").read_text()
    sets = (*recipe.data.train, replace(recipe.data.train[0], name="more"))
    others = {
        r"it differs in model.feedforward_dim \(it was 64\)": {"model": replace(recipe.model, feedforward_dim=32)},
        r"it differs in steps \(it was 4\), batch \(it was 2\) \(restore it": {"steps": 8, "batch": 1},
        r"data.train\[1\].name \(it was missing\).* and 4 more \(": {"data": replace(recipe.data, train=sets)},
    }
    for said, fields in others.items():
        with pytest.raises(UsageError, match=said):
            train(replace(recipe, **fields), tmp_path / "run", resume=True)  # type: ignore[arg-type]
    assert (tmp_path / "run/config.json").read_text() == begun
    state = tmp_path / "run/state/step-0000001/progress.json"
    state.write_text(json.dumps({"step": 1, "seconds": 0.5}))  # as an earlier vidtrack wrote it
    assert train(replace(recipe, batch=1), tmp_path / "run", resume=True).step == 4


def test_what_may_change_when_a_run_goes_on(recipe: TrainConfig, tmp_path: Path) -> None:
    train(recipe, tmp_path / "run", max_minutes=0.0)
    moved = Path(recipe.data.train[0].path).parent.rename(tmp_path / "moved")
    data = DataConfig((SetConfig("shapes", str(moved / "train.json"), images=str(moved)),), cache="elsewhere")
    config = replace(recipe, data=data, init="no longer there", workers=1, evaluate_steps=2, log_steps=2)
    assert train(config, tmp_path / "run", resume=True).step == 4
    assert load_config(tmp_path / "run/config.json") == config


def test_a_damaged_state_does_not_resume_a_run(recipe: TrainConfig, tmp_path: Path) -> None:
    train(recipe, tmp_path / "run", max_minutes=0.0)
    shard = next((tmp_path / "run/state/step-0000001").glob("optimiser-*"))
    shard.write_bytes(shard.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="does not fit this recipe"):
        train(recipe, tmp_path / "run", resume=True)
