"""Which device a model runs on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import torch

from vidtrack.core.errors import ResourceError, UsageError
from vidtrack.core.wording import plural

_MOST_FRAMES = 4  # encoded in parallel, as each holds its activations
_OUT_OF_MEMORY = re.compile(
    "out of memory|can't allocate memory|not enough memory|Insufficient memory|bad_alloc|Failed to allocate memory"
)


def resolve_device(name: str | torch.device = "auto") -> torch.device:
    """The device of `auto`, `cpu`, `mps`, `cuda`, `cuda:N` or a GPU number; raises UsageError if it does not exist."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    if isinstance(name, str) and name.isdecimal():
        name = f"cuda:{name}"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"unknown device {name!r}", "use auto, cpu, mps, cuda or a GPU number") from None
    present = {
        "cpu": 1,
        "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "mps": int(torch.backends.mps.is_available()),
    }
    if device.type not in present:
        raise UsageError(f"device {name!r} is not supported", "use auto, cpu, mps, cuda or a GPU number")
    if (device.index or 0) >= present[device.type]:
        count = present[device.type]
        raise UsageError(
            f"device {name!r} does not exist: PyTorch sees {plural(count, f'{device.type} device')}",
            "try --device auto",
        )
    return device


def worker_devices(name: str) -> list[str]:
    """Devices for workers: every GPU for `auto` and `cuda`; any other device is itself."""
    found = resolve_device(name)
    if found.type == "cuda" and found.index is None:
        return [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    return [str(found)]


def share_threads() -> tuple[int, int]:
    """On a CPU, how many frames to encode in parallel, and operator threads for each."""
    threads = torch.get_num_threads()
    workers = min(threads, _MOST_FRAMES)
    return workers, threads // workers


def limit_threads(count: int) -> None:
    """Let operators on the CPU use at most `count` threads."""
    torch.set_num_threads(count)


def available_devices() -> list[str]:
    """What PyTorch can run on here, with a readable name."""
    devices = [f"cpu ({torch.get_num_threads()} threads)"]
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            major, minor = torch.cuda.get_device_capability(index)
            devices.append(f"cuda:{index} ({torch.cuda.get_device_name(index)}, compute capability {major}.{minor})")
    if torch.backends.mps.is_available():
        devices.append("mps")
    return devices


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of PyTorch or OpenCV means that memory ran out."""
    return isinstance(error, MemoryError) or _OUT_OF_MEMORY.search(str(error)) is not None


@contextmanager
def device_errors(device: torch.device, hint: str) -> Iterator[None]:
    """Raise ResourceError with the hint if memory runs out inside, UsageError if the GPU cannot run our code."""
    try:
        yield
    except (MemoryError, RuntimeError, cv2.error) as error:
        if is_out_of_memory(error):
            raise ResourceError(f"out of memory on {device}", hint) from error
        if "deformable attention on CUDA" in str(error):  # a driver too old, or a GPU the kernels are not built for
            raise UsageError(
                str(error).splitlines()[0], "run `vidtrack doctor` for details, or use --device cpu"
            ) from error
        raise
