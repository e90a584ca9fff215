from __future__ import annotations

import pytest
import torch

from vidtrack.model.config import DetectorConfig
from vidtrack.model.detector import DeformableDETR
from vidtrack.training.optimiser import make_optimiser, rate_factor, set_backbone, set_rate, update_average
from vidtrack.training.recipe import OptimConfig


def test_parameter_groups(tiny: DetectorConfig) -> None:
    model = DeformableDETR(tiny)
    optimiser = make_optimiser(model, OptimConfig(lr=1.0, backbone_factor=0.1, slow_factor=0.2))
    rate = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
    assert len(rate) == len(list(model.parameters()))
    for name, parameter in model.named_parameters():
        expected = 0.1 if name.startswith("backbone.") else 0.2 if "sampling_offsets" in name else 1.0
        assert rate[id(parameter)] == expected, name
    set_rate(optimiser, 90, 100, OptimConfig(milestones=(0.5, 0.8)))
    assert sorted(group["lr"] for group in optimiser.param_groups) == pytest.approx([0.001, 0.002, 0.01])


def test_class_heads_may_learn_faster(tiny: DetectorConfig) -> None:
    model = DeformableDETR(tiny)
    optimiser = make_optimiser(model, OptimConfig(lr=1.0, class_factor=5.0))
    rate = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
    assert len(rate) == len(list(model.parameters()))
    assert {rate[id(p)] for p in model.class_embed.parameters()} == {5.0}
    assert rate[id(model.level_embed)] == 1.0


def test_schedules() -> None:
    steps = OptimConfig(schedule="multistep", milestones=(0.5, 0.8), warmup=0.1)
    assert [rate_factor(step, 100, steps) for step in (0, 5, 10, 49, 50, 80)] == pytest.approx(
        [1e-3, 0.5, 1, 1, 0.1, 0.01]
    )
    cycle = OptimConfig(schedule="onecycle", warmup=0.1, final=0.02)
    assert rate_factor(10, 100, cycle) == pytest.approx(1)
    assert rate_factor(55, 100, cycle) == pytest.approx(0.51)
    assert rate_factor(100, 100, cycle) == pytest.approx(0.02)
    flat = OptimConfig(schedule="flat", milestones=(0.6,), warmup=0.1, final=0.02)
    assert [rate_factor(step, 100, flat) for step in (5, 10, 60, 80, 100)] == pytest.approx([0.5, 1, 1, 0.51, 0.02])


def test_backbone_learns_in_part(tiny: DetectorConfig) -> None:
    model = DeformableDETR(tiny)
    set_backbone(model, True, frozen=7)
    learning = {name.split(".")[2] for name, p in model.backbone.named_parameters(prefix="backbone") if p.requires_grad}
    assert learning == {str(index) for index in range(7, 18)}
    set_backbone(model, False)
    assert not any(p.requires_grad for p in model.backbone.parameters())
    assert model.level_embed.requires_grad


def test_average_follows() -> None:
    model = torch.nn.Linear(2, 2)
    average = {name: torch.zeros_like(value) for name, value in model.state_dict().items()}
    update_average(average, model, 0.9, step=10_000)
    torch.testing.assert_close(average["weight"], model.weight.detach() * 0.1)
    update_average(average, model, 0.9, step=0)  # early on it follows faster
    torch.testing.assert_close(average["weight"], model.weight.detach() * (1 - 0.1 * 0.9))
