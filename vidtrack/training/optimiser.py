"""AdamW's parameter groups, the learning-rate schedule as a function of the step, and averaged weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from vidtrack.model.detector import DeformableDETR
from vidtrack.training.recipe import OptimConfig

SLOW = ("sampling_offsets", "reference_points")


def make_optimiser(model: nn.Module, config: OptimConfig) -> torch.optim.AdamW:
    """AdamW over three groups (the paper, section 5): most, the backbone, and the slow projections.

    Class heads form a fourth if they have their own rate. Each group keeps its highest rate in `peak`,
    which `set_rate` scales.
    """
    factor = {"main": 1.0, "backbone": config.backbone_factor, "slow": config.slow_factor}
    if config.class_factor != 1:
        factor["class_embed"] = config.class_factor
    groups: dict[str, list[Tensor]] = {kind: [] for kind in factor}
    for name, parameter in model.named_parameters():
        start = name.split(".")[0]
        kind = start if start in groups else "slow" if any(s in name for s in SLOW) else "main"
        groups[kind].append(parameter)
    rows = [
        {"params": parameters, "name": kind, "peak": config.lr * factor[kind], "lr": config.lr * factor[kind]}
        for kind, parameters in groups.items()
    ]
    return torch.optim.AdamW(rows, lr=config.lr, weight_decay=config.weight_decay)


def set_rate(optimiser: torch.optim.Optimizer, step: int, steps: int, config: OptimConfig) -> float:
    """Set the rates for a step and return the factor they were scaled by."""
    factor = rate_factor(step, steps, config)
    for group in optimiser.param_groups:
        group["lr"] = group["peak"] * factor
    return factor


def rate_factor(step: int, steps: int, config: OptimConfig) -> float:
    """Share of the highest rate at a step: linear warm-up, then steps down or a cosine to `final`.

    "flat" keeps the highest rate up to its milestone (RTMDet, arXiv 2212.07784): a run can be made longer before that.
    """
    done = step / max(1, steps)
    if done < config.warmup:
        return max(1e-3, done / config.warmup)
    if config.schedule == "multistep":
        return 0.1 ** sum(done >= milestone for milestone in config.milestones)
    begin = config.warmup if config.schedule == "onecycle" else max(config.warmup, *config.milestones)
    along = max(0.0, done - begin) / max(1e-9, 1 - begin)
    return config.final + (1 - config.final) * 0.5 * (1 + math.cos(math.pi * min(1.0, along)))


def set_backbone(model: DeformableDETR, learns: bool, frozen: int = 0) -> None:
    """Make the backbone's parameters trainable or not; its first `frozen` children never are."""
    for index, child in enumerate(model.backbone.body.children()):
        child.requires_grad_(learns and index >= frozen)


@torch.no_grad()
def update_average(average: dict[str, Tensor], model: nn.Module, decay: float, step: int) -> None:
    """Exponential moving average of the weights, faster at first (decay at most (1 + step) / (10 + step))."""
    share = 1 - min(decay, (1 + step) / (10 + step))
    names = [name for name, value in model.state_dict().items() if value.is_floating_point()]
    state = model.state_dict()
    torch._foreach_lerp_([average[name] for name in names], [state[name] for name in names], share)
