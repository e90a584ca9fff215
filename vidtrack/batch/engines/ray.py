"""A Ray cluster as the engine: actors that load the model once, one clip a task."""

from __future__ import annotations

import logging
import math
import os
import socket
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import chdir, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from vidtrack.batch.config import BatchConfig
from vidtrack.batch.engine import Crashed, Ended, Event, Outcome, Progressed, Started, Task
from vidtrack.core.errors import ResourceError, UsageError, VidtrackError
from vidtrack.core.metadata import version_of
from vidtrack.core.status import Status
from vidtrack.model.choice import ModelChoice

_NEWS_SECONDS = 0.5  # how long a worker waits for news before it answers that there are none
_LOOK_SECONDS = 10.0  # between two looks at how large the cluster is
_KNOCK_SECONDS = 10.0
_STORE_BYTES = 80 << 20  # the least Ray takes: only messages pass through its object store
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # what will be the default, without a warning about it
}


@dataclass
class _Worker:
    index: int
    actor: Any
    task: Task | None = None
    asked: Any = None  # the reference to its next news
    started: bool = False


class RayEngine:
    """Workers on a Ray cluster: the one at `address`, that of RAY_ADDRESS, or one of this machine alone.

    `workers` None takes as many as the cluster has room for, and more if it grows. A worker is given
    `choice.threads` processors, and for CUDA a GPU, or a part of one if there are more workers than GPUs.
    Raises UsageError if Ray is missing or cannot be reached, or no node is large enough.
    """

    def __init__(self, choice: ModelChoice, workers: int | None = None, address: str | None = None) -> None:
        self._cpus = choice.threads or 1
        self._choice, self._wanted = replace(choice, threads=self._cpus), workers
        self._ray = _load_ray()
        self._joined = self._ray.is_initialized()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        if not self._joined:
            # Ray's workers start in, and import from, the folder in which Ray is started; `RayWorker` goes back to the
            # real one. It must last: without a current folder, oneMKL ends the process that imports PyTorch.
            self._folder = tempfile.TemporaryDirectory(prefix="vidtrack-ray-", ignore_cleanup_errors=True)
            cluster = address or os.environ.get("RAY_ADDRESS") or "local"
            try:
                _join(self._ray, cluster, (workers or 0) * self._cpus, self._folder.name)
            except UsageError:
                self._folder.cleanup()
                raise
        self._gpus = self._gpu_share()
        self._live: list[_Worker] = []
        self._room, self._looked = 0, float("-inf")
        if workers is None and self.workers == 0:
            self.close()
            raise UsageError(
                f"no node of the Ray cluster has {self._cpus} CPUs{' and a GPU' if self._gpus else ''}", "see --threads"
            )

    @property
    def workers(self) -> int:
        """How many tasks run at a time."""
        if self._wanted is not None:
            return self._wanted
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            self._looked = time.monotonic()
            self._room = sum(self._fit(node) for node in self._nodes())
        return self._room

    def submit(self, task: Task) -> None:
        """Give the task to a free worker, made if there is none yet."""
        worker = next((one for one in self._live if one.task is None), None) or self._start()
        worker.task, worker.started = task, False
        worker.actor.begin.remote(task)
        worker.asked = worker.actor.news.remote(0.0)  # the first answer says that it is there

    def events(self, timeout_seconds: float) -> list[Event]:
        """News of the workers, and their deaths."""
        busy = {worker.asked: worker for worker in self._live if worker.task is not None}
        if not busy:
            time.sleep(timeout_seconds)
            return []
        with self._cluster():
            self._ray.wait(list(busy), timeout=timeout_seconds)
            ready = self._ray.wait(list(busy), num_returns=len(busy), timeout=0)[0]
        found: list[Event] = []
        for answer in ready:
            self._hear(busy[answer], found)
        return found

    def interrupt(self) -> None:
        """Let the clips under way end after their current frame."""
        for worker in self._live:
            if worker.task is not None:
                worker.actor.interrupt.remote()

    def kill(self, number: int) -> None:
        """Kill the worker of a task."""
        for worker in self._live:
            if worker.task is not None and worker.task.number == number:
                self._ray.kill(worker.actor)

    def close(self) -> None:
        """End all workers, and with them a cluster of this machine alone."""
        for worker in self._live:
            with suppress(Exception):  # it is gone, or the cluster is
                self._ray.kill(worker.actor)
        self._live.clear()
        if not self._joined:
            self._ray.shutdown()
        if self._folder is not None:
            self._folder.cleanup()

    def _start(self) -> _Worker:
        from vidtrack.batch.engines.ray_worker import RayWorker

        index = min(set(range(len(self._live) + 1)) - {one.index for one in self._live})
        actor = self._ray.remote(
            num_cpus=self._cpus,
            num_gpus=self._gpus,
            max_restarts=0,  # what to do after a crash is the batch's to say
            scheduling_strategy="SPREAD",
        )(RayWorker)
        worker = _Worker(index, actor.remote(self._choice, version_of("vidtrack"), os.getcwd()))
        self._live.append(worker)
        return worker

    def _hear(self, worker: _Worker, found: list[Event]) -> None:
        assert worker.task is not None
        task = worker.task
        try:
            news = self._ray.get(worker.asked)
        except self._ray.exceptions.RayTaskError as error:  # it lives, but its news could not be sent
            news = [
                (task.number, Outcome(task.job, Status.FAILED, error=VidtrackError(_first_line(error.cause or error))))
            ]
        except self._ray.exceptions.RayError as error:
            self._live.remove(worker)
            _refuse_node(error)
            found.append(Crashed(task.number, worker.index, f"its worker died: {_first_line(error)}"))
            return
        if not worker.started:
            worker.started = True
            found.append(Started(task.number, worker.index))
        for number, what in news:
            if isinstance(what, Outcome):
                worker.task = worker.asked = None
                found.append(Ended(number, worker.index, replace(what, job=task.job)))
            else:
                found.append(Progressed(number, worker.index, what))
        if worker.task is not None:
            worker.asked = worker.actor.news.remote(_NEWS_SECONDS)

    def _nodes(self) -> Iterator[dict[str, float]]:
        with self._cluster():
            nodes = self._ray.nodes()
        yield from (node["Resources"] for node in nodes if node["Alive"])

    def _fit(self, resources: dict[str, float]) -> int:
        """How many workers a node has room for."""
        fit = int(resources.get("CPU", 0) // self._cpus)
        return min(fit, math.floor(resources.get("GPU", 0) / self._gpus)) if self._gpus else fit

    def _gpu_share(self) -> float:
        """GPUs a worker gets."""
        gpus = sum(node.get("GPU", 0) for node in self._nodes())
        if self._choice.device not in ("auto", "cuda") or not gpus:
            return 0
        return 1 / max(1, math.ceil((self._wanted or 1) / gpus))

    @contextmanager
    def _cluster(self) -> Iterator[None]:
        try:
            yield
        except (ConnectionError, self._ray.exceptions.RayError) as error:
            raise ResourceError(
                f"the Ray cluster is gone: {_first_line(error)}", "restart it, then run the command again"
            ) from None


def open_engine(model: ModelChoice, config: BatchConfig, tasks: int | None) -> RayEngine:
    """Join the cluster at `config.address`, or start one."""
    return RayEngine(model, config.jobs, config.address)


def _load_ray() -> Any:
    os.environ.update({name: os.environ.get(name, value) for name, value in _QUIET.items()})
    try:
        with warnings.catch_warnings(action="ignore"):
            import ray
            import ray.exceptions
    except ImportError:
        raise UsageError("--engine ray needs Ray, which is not installed", "pip install 'vidtrack[ray]'") from None
    return ray


def _join(ray: Any, address: str, cpus: int, folder: str) -> None:
    """Connect to a cluster, or start one of this machine alone in `folder`; nothing of it appears on the terminal."""
    own = {
        "num_cpus": max(cpus, os.cpu_count() or 1),
        "object_store_memory": _STORE_BYTES,
        "include_dashboard": False,
    }
    messages: list[bytes] = []
    try:
        _knock(address)
        with warnings.catch_warnings(action="ignore"), _muted(messages), chdir(folder):
            ray.init(
                address,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
                namespace="vidtrack",
                **(own if address == "local" else {}),
            )
    except (ValueError, RuntimeError, OverflowError, OSError) as error:
        if any(b"AuthToken" in line for line in messages):
            raise UsageError(f"the Ray cluster at {address} requires a token", "see RAY_AUTH_MODE=token") from None
        raise UsageError(
            f"no Ray cluster at {address}: {_first_line(error)}", "start one with `ray start --head`"
        ) from None


@contextmanager
def _muted(messages: list[bytes]) -> Iterator[None]:
    """Keep from the terminal what Ray's native code writes there; its lines are added to `messages`."""
    with tempfile.TemporaryFile() as file:
        terminal = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
            file.seek(0)
            messages.extend(file)


def _knock(address: str) -> None:
    """Raise OSError if nobody listens, for which Ray would wait many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_KNOCK_SECONDS):
            pass


def _refuse_node(error: Exception) -> None:
    """Raise UsageError if a worker could not even begin, as every other one would."""
    if "creation task" in (text := str(error)):
        raise UsageError(
            f"no worker can start on the Ray cluster: {text.strip().splitlines()[-1]}",
            "install the same version of vidtrack on every node",
        )


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
