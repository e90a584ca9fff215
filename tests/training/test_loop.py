from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch
from msgspec.structs import replace

from tests.training.conftest import write_coco
from tests.training.runs import assert_same_state
from vidtrack.core.errors import ResourceError, UsageError, VidtrackError
from vidtrack.datasets.records import SetConfig
from vidtrack.model.checkpoint import read_checkpoint
from vidtrack.training.loop import Run, train
from vidtrack.training.metrics import read_metrics
from vidtrack.training.recipe import DataConfig, TrainConfig


def test_a_seed_reproduces_and_another_differs(recipe: TrainConfig, tmp_path: Path) -> None:
    config = replace(recipe, steps=2)
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        train(replace(config, seed=seed), tmp_path / name)
    assert_same_state(tmp_path / "a", tmp_path / "b")
    with pytest.raises(AssertionError):
        assert_same_state(tmp_path / "a", tmp_path / "c")


def test_dropout_depends_on_the_step_alone(recipe: TrainConfig, tmp_path: Path) -> None:
    """So every process of several goes on exactly after a resume, not only the one whose state was saved."""
    losses = []
    for name, seed in (("a", 1), ("b", 2)):
        run = Run(recipe, tmp_path / name, False, lambda line: None)
        torch.manual_seed(seed)
        losses.append(run._backward(run.maker(0)))
        run.close()
    assert losses[0] == losses[1]


def test_accumulated_steps_do_not_change_their_number(recipe: TrainConfig, tmp_path: Path) -> None:
    config = replace(recipe, steps=2, optim=replace(recipe.optim, accumulate=2))
    assert train(config, tmp_path / "run").step == 2
    assert len(read_metrics(tmp_path / "run/metrics.jsonl")) == 2


def test_frozen_backbone_stays_and_the_rest_learns(recipe: TrainConfig, tmp_path: Path) -> None:
    config = replace(recipe, steps=2, optim=replace(recipe.optim, backbone_factor=0.0, ema=0.0))
    torch.manual_seed(config.seed)
    run = Run(config, tmp_path / "run", False, lambda line: None)
    before = {name: value.clone() for name, value in run.model.state_dict().items()}
    run.steps(float("inf"))
    run.close()
    changed = {name for name, value in run.model.state_dict().items() if not torch.equal(value, before[name])}
    assert not any(name.startswith("backbone.") for name in changed)
    assert {"encoder.layers.0.ffn.linear1.weight", "label_embed.weight", "content_embed.weight"} <= changed


def test_time_limit_saves_and_stops(recipe: TrainConfig, tmp_path: Path) -> None:
    progress = train(recipe, tmp_path / "run", max_minutes=0.0)
    assert progress.step == 1
    assert (tmp_path / "run/metrics.png").stat().st_size > 1000
    assert train(recipe, tmp_path / "run", resume=True).step == 4


@pytest.mark.parametrize(("steps", "pictures"), [(1, 0), (2, 3)], ids=["the last", "one between"])
def test_an_evaluation_under_way_ends_with_the_time_and_is_left_to_the_next_resume(
    recipe: TrainConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    steps: int,
    pictures: int,
) -> None:
    path = write_coco(tmp_path / "validation", 4)
    data = replace(recipe.data, validation=(SetConfig("validation", str(path)),))
    config = replace(recipe, steps=steps, batch=1, data=data, evaluate_steps=1, evaluate_images=3)
    run = Run(config, tmp_path / "run", False, lambda line: None)
    read, seen = Path.read_bytes, list[Path]()

    def last_read(path: Path) -> bytes:
        if path.parent.name == "validation":
            seen.append(path)
            run.deadline = 0.0
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", last_read)
    run.steps(float("inf"))
    run.close()
    monkeypatch.undo()
    assert (run.progress.step, len(seen)) == (1, 1)
    assert "time is up: --resume does the evaluation of step 1" in caplog.text

    def evaluations() -> list[tuple[int, int]]:
        lines = read_metrics(tmp_path / "run/metrics.jsonl")
        return [(line["step"], line["images"]) for line in lines if "evaluation" in line]

    assert evaluations() == []
    wanted = [(1, pictures)] + [(2, 0)] * (steps - 1)
    for _ in range(2):  # what is done is not done again
        train(config, tmp_path / "run", resume=True)
        assert evaluations() == wanted


@pytest.mark.parametrize("steps", [2, 1], ids=["one between", "the last"])
@pytest.mark.parametrize("signalled", [False, True], ids=["time", "Ctrl-C"])
def test_an_evaluation_left_to_a_resume_comes_before_any_step(
    recipe: TrainConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    steps: int,
    signalled: bool,
) -> None:
    data = replace(recipe.data, validation=(SetConfig("validation", str(write_coco(tmp_path / "validation", 1))),))
    config = replace(recipe, steps=steps, batch=1, data=data, evaluate_steps=1)
    train(config, tmp_path / "run", max_minutes=0.0)
    said = "--resume does the evaluation of step 1 first, and needs the time for all of it"
    assert caplog.messages.count(f"time is up: {said}") == 1
    caplog.clear()
    if signalled:
        watch = Run._watch_signals

        def interrupt(run: Run) -> None:
            watch(run)
            signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr(Run, "_watch_signals", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(config, tmp_path / "run", resume=True)
        monkeypatch.undo()
    else:
        assert train(config, tmp_path / "run", resume=True, max_minutes=0.0).step == 1
    assert caplog.messages.count(f"{'interrupted' if signalled else 'time is up'}: {said}") == 1
    assert "step-0000001" in (tmp_path / "run/state/latest.json").read_text()
    train(config, tmp_path / "run", resume=True)
    lines = read_metrics(tmp_path / "run/metrics.jsonl")
    assert [line["step"] for line in lines if "evaluation" in line] == list(range(1, steps + 1))


@pytest.mark.parametrize(("most", "taken"), [(0, 7), (3, 3), (4, 4), (6, 4), (7, 7), (9, 7)])
def test_evaluation_on_at_most_so_many_pictures(
    recipe: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, taken: int
) -> None:
    path = write_coco(tmp_path / "validation", 7)
    sets = (SetConfig(name="validation", path=str(path), images=str(path.parent)),)
    run = Run(replace(recipe, data=replace(recipe.data, validation=sets)), tmp_path / "run", False, lambda line: None)
    counts = []

    def count(model: object, chosen: dict[str, list[object]], *_: object) -> dict[str, object]:
        counts.append(len(chosen["validation"]))
        return {}

    monkeypatch.setattr("vidtrack.training.evaluate.evaluate_sets", count)
    run.evaluate(most)
    run.close()
    assert counts == [taken]


def test_signals_are_given_back(recipe: TrainConfig, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    train(recipe, tmp_path / "run", max_minutes=0.0)
    assert signal.getsignal(signal.SIGINT) is before


def test_what_a_run_leaves(recipe: TrainConfig, tmp_path: Path) -> None:
    path = write_coco(tmp_path / "validation", 2)
    data = replace(recipe.data, validation=(SetConfig("shapes", str(path)),))
    train(replace(recipe, data=data), tmp_path / "run")
    checkpoint = read_checkpoint(tmp_path / "run/model.safetensors")
    assert checkpoint.config == recipe.model
    assert (tmp_path / "run/metrics.png").stat().st_size > 1000
    last = read_metrics(tmp_path / "run/metrics.jsonl")[-1]
    assert [found["name"] for found in last["evaluation"]["shapes"]["classes"]] == ["person", "car"]
    assert all(path.stat().st_size < 16 * 2**20 for path in (tmp_path / "run").rglob("*"))


def test_a_folder_with_a_run_is_not_overwritten(recipe: TrainConfig, tmp_path: Path) -> None:
    train(recipe, tmp_path / "run", max_minutes=0.0)
    with pytest.raises(UsageError, match="already holds a training run"):
        train(recipe, tmp_path / "run")


def test_what_evaluation_lacks_is_said_before_training(
    recipe: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    data = replace(recipe.data, validation=recipe.data.train)
    with pytest.raises(UsageError, match=r"evaluation needs pycocotools \(pip install"):
        train(replace(recipe, data=data), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_fine_tuning_keeps_classes_by_name(recipe: TrainConfig, tmp_path: Path) -> None:
    train(replace(recipe, steps=1, optim=replace(recipe.optim, ema=0.0)), tmp_path / "first")
    given = read_checkpoint(tmp_path / "first/model.safetensors").state
    model = replace(recipe.model, classes=("dog", "zebra"), num_classes=2)
    data = DataConfig(train=recipe.data.train, cache=recipe.data.cache)
    config = replace(recipe, model=model, data=data, init=str(tmp_path / "first/model.safetensors"))
    run = Run(config, tmp_path / "second", False, lambda line: None)
    run.close()
    state = run.model.state_dict()
    torch.testing.assert_close(state["class_embed.0.weight"][0], given["class_embed.0.weight"][2])
    torch.testing.assert_close(state["level_embed"], given["level_embed"])
    assert not torch.equal(state["class_embed.0.weight"][1], given["class_embed.0.weight"][1])


def test_a_loss_that_is_not_finite_has_a_name(recipe: TrainConfig, tmp_path: Path) -> None:
    run = Run(recipe, tmp_path / "run", False, lambda line: None)
    with torch.no_grad():
        run.model.class_embed[0].bias.fill_(float("inf"))
    with pytest.raises(VidtrackError, match=r"diverged|the loss is"):
        run.steps(float("inf"))
    run.close()


def test_no_memory_for_a_step_is_one_line_and_the_last_save_stays(
    recipe: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(recipe, tmp_path / "run", max_minutes=0.0)
    monkeypatch.setattr(Run, "_backward", lambda *_: torch.zeros(10**14))
    with pytest.raises(ResourceError, match=r"^out of memory on cpu \(a smaller batch"):
        train(recipe, tmp_path / "run", resume=True)
    monkeypatch.undo()
    assert train(recipe, tmp_path / "run", resume=True).step == 4


@pytest.mark.slow
def test_overfits_four_pictures(recipe: TrainConfig, tmp_path: Path) -> None:
    from vidtrack.training.recipe import AugmentConfig, LossConfig, OptimConfig

    validation = (SetConfig("shapes", recipe.data.train[0].path),)
    config = replace(
        recipe,
        data=replace(recipe.data, validation=validation),
        augment=AugmentConfig(canvases=((64, 96),), scale=(1.0, 1.0), aspect=1.0, flip=0.0, photometric=0.0, grey=0.0),
        loss=LossConfig(encoder_repeat=2, hybrid_queries=12, denoising_queries=16),
        optim=OptimConfig(lr=2e-3, backbone_factor=0.5, schedule="onecycle", clip=1.0),
        model=replace(recipe.model, dropout=0.0),
        steps=500,
        batch=4,
        threads=2,
        log_steps=50,
    )
    train(config, tmp_path / "run")
    last = read_metrics(tmp_path / "run/metrics.jsonl")[-1]
    assert last["evaluation"]["shapes"]["ap"] > 0.95
