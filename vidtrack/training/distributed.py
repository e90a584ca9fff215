"""Training in several processes (torchrun): gradients are averaged; everything else depends on the rank."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from vidtrack.model.device import resolve_device


@dataclass(frozen=True)
class World:
    """This process among those that train one model."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    def mean(self, value: float, device: torch.device) -> float:
        """Mean of a number over the processes."""
        if self.size == 1:
            return value
        shared = torch.tensor(value, device=device)
        dist.all_reduce(shared)
        return float(shared) / self.size

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        if self.size == 1:
            return flag
        device = "cuda" if dist.get_backend() == "nccl" else "cpu"
        shared = torch.tensor(float(flag), device=device)
        dist.all_reduce(shared)
        return bool(shared > 0)

    def wait(self) -> None:
        """Wait for all processes."""
        if self.size > 1:
            dist.barrier()


def join() -> World:
    """Join torchrun's processes; alone without it."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return World()
    if not dist.is_initialized():
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return World(dist.get_rank(), dist.get_world_size(), int(os.environ["LOCAL_RANK"]))


def device(name: str, world: World) -> torch.device:
    """The device this process trains on; "auto" and "cuda" are its own GPU. Raises UsageError if it does not exist."""
    if name in ("auto", "cuda") and torch.cuda.is_available():
        return torch.device(f"cuda:{world.local_rank}")
    return resolve_device("cpu" if name == "auto" else name)


def share_weights(model: nn.Module, world: World) -> None:
    """Copy the first process's weights to all others."""
    if world.size > 1:
        for value in model.state_dict().values():
            dist.broadcast(value, 0)


def mean_gradients(parameters: Sequence[Tensor], world: World) -> None:
    """Average gradients over the processes in one message; one that a process lacks counts as zero there.

    Which parameters get a gradient depends on the batch: without boxes, for example, there are no denoising queries.
    """
    if world.size == 1:
        return
    gradients = []
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        gradients.append(parameter.grad)
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= world.size
    start = 0
    for gradient in gradients:
        gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
        start += gradient.numel()
