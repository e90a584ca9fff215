from __future__ import annotations

from types import SimpleNamespace

import cv2
import pytest
import torch

from vidtrack.core.errors import ResourceError, UsageError
from vidtrack.model.device import device_errors, resolve_device, share_threads, worker_devices

CPU = torch.device("cpu")


def gpus(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(torch, "cuda", SimpleNamespace(is_available=lambda: count > 0, device_count=lambda: count))
    monkeypatch.setattr(torch.backends, "mps", SimpleNamespace(is_available=lambda: False))


def test_auto_takes_a_gpu_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus(monkeypatch, 0)
    assert resolve_device("auto") == CPU
    assert worker_devices("auto") == ["cpu"]
    gpus(monkeypatch, 2)
    assert resolve_device("auto") == torch.device("cuda")
    assert resolve_device("1") == resolve_device("cuda:1") == torch.device("cuda", 1)
    assert (worker_devices("auto"), worker_devices("cuda:1")) == (["cuda:0", "cuda:1"], ["cuda:1"])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gpu", "unknown device 'gpu'"),
        ("meta", "device 'meta' is not supported"),
        ("2", "device 'cuda:2' does not exist: PyTorch sees 2 cuda devices"),
        ("mps", "device 'mps' does not exist: PyTorch sees 0 mps devices"),
    ],
)
def test_a_device_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch, name: str, said: str) -> None:
    gpus(monkeypatch, 2)
    with pytest.raises(UsageError, match=said):
        resolve_device(name)


@pytest.mark.parametrize(("threads", "shared"), [(1, (1, 1)), (2, (2, 1)), (8, (4, 2)), (11, (4, 2))])
def test_cores_are_shared_by_few_frames(monkeypatch: pytest.MonkeyPatch, threads: int, shared: tuple[int, int]) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    assert share_threads() == shared


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        cv2.error("Insufficient memory"),
    ],
)
def test_no_memory_is_told_with_a_hint(error: BaseException) -> None:
    with pytest.raises(ResourceError, match=r"out of memory on cpu \(use a smaller --size\)"):
        with device_errors(CPU, "use a smaller --size"):
            raise error


def test_a_gpu_that_cannot_run_the_kernels_is_told_and_other_errors_pass() -> None:
    with pytest.raises(UsageError, match="needs a newer driver"), device_errors(CPU, ""):
        raise RuntimeError("deformable attention on CUDA needs a newer driver\nat line 3")
    with pytest.raises(RuntimeError, match="something else"), device_errors(CPU, ""):
        raise RuntimeError("something else")
