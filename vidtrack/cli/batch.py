"""Many clips: the manifest, the workers, and what is shown of them."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vidtrack.batch.due import Due, Wanted, find_due, identity_of, in_order
from vidtrack.batch.engine import Engine, ModelChoice, Outcome, Task
from vidtrack.batch.loop import Batch, Rules
from vidtrack.batch.manifest import FOLDER, NAME, Manifest, Row
from vidtrack.batch.overview import INDEX, REPORT, write_overview
from vidtrack.batch.plan import Existing, Job
from vidtrack.batch.remote import Address, Place, place_of
from vidtrack.batch.remote_manifest import ManifestCopy, home_of
from vidtrack.cli.options import EngineKind, ProgressStyle
from vidtrack.errors import InputError, OutputError, UsageError

if TYPE_CHECKING:
    from vidtrack.cli.dashboard import Dashboard
    from vidtrack.config import RunConfig

_SCAN_SECONDS = 2.0  # between two looks into a watched folder
_STILL_SECONDS = 4.0  # a file that has not changed for so long is whole


@dataclass(frozen=True)
class BatchChoices:
    """How a batch is worked through; `jobs` None is one worker, or one for each GPU."""

    jobs: int | None = None
    order: str = "name"
    limit: int | None = None
    watch: bool = False
    retry_aside: bool = False
    rules: Rules = field(default_factory=Rules)
    engine: EngineKind = EngineKind.local
    address: str | None = None  # of a Ray cluster


@dataclass(frozen=True)
class BatchResult:
    """What became of a batch: this run's outcomes, clips done before, clips set aside, clips not begun."""

    outcomes: tuple[Outcome, ...]
    done_before: tuple[Job, ...]
    aside: tuple[Job, ...]
    left: int


def run_batch(
    jobs: Sequence[Job],
    find_jobs: Callable[[], list[Job]],
    root: Place,
    model: ModelChoice,
    config: RunConfig,
    existing: Existing,
    choices: BatchChoices,
    progress: ProgressStyle,
) -> BatchResult:
    """Do what is left to do of `jobs` below `root`, or of those that `find_jobs` finds while it watches.

    Raises UsageError where another batch is at work there.
    """
    from vidtrack.cli.dashboard import dashboard
    from vidtrack.model import registry

    with ExitStack() as stack:
        stack.enter_context(_locked(root))
        copy = stack.enter_context(ManifestCopy(root))
        manifest = Manifest(home_of(root) / FOLDER / NAME)
        stack.callback(manifest.close)
        wanted = Wanted.of(config, registry.content_sha256(registry.locate(model.name)[0]))

        def due_of(jobs: Sequence[Job], first_number: int = 0) -> Due:
            ordered = in_order(jobs, choices.order)
            return find_due(ordered, manifest.rows(), root, config, wanted, existing, choices.retry_aside, first_number)

        due = due_of(jobs)
        manifest.put(due.noted)
        tasks = due.tasks[: choices.limit]
        if not tasks and not choices.watch:
            return BatchResult((), due.done, due.aside, 0)
        shown = stack.enter_context(dashboard(progress, len(due.done)))
        for task, row in tasks:
            shown.add(task, row.bytes)
        engine = _engine(model, choices, len(tasks) if not choices.watch else None)
        stack.callback(engine.close)
        batch = Batch(engine, manifest, root, choices.rules)
        more = _Watch(find_jobs, due_of, shown) if choices.watch else None
        outcomes = []
        for outcome in batch.run(tasks, shown.event, more):
            shown.outcome(outcome)
            outcomes.append(outcome)
            copy.save_if_due()
        write_overview(root, manifest.rows().values())
        copy.put_reports([REPORT, INDEX])
    ended = sum(outcome.status != "interrupted" for outcome in outcomes)
    return BatchResult(tuple(outcomes), due.done, due.aside, max(0, len(shown.tasks) - ended))


def finish_batch(result: BatchResult, report: Path | None) -> int:
    """Say what became of a batch, write its reports, and return the exit code."""
    from vidtrack.cli import exits
    from vidtrack.cli.summary import print_summary, write_report

    print_summary(result)
    if report is not None:
        write_report(report, result.outcomes)
    return exits.of_batch(result)


def batch_root(inputs: Sequence[str], output: str | None, jobs: Sequence[Job]) -> Place:
    """The folder that a batch's manifest belongs to; raises UsageError where the results have none in common."""
    targets = [target for job in jobs for target in job.outputs]
    if output is not None and place_of(output) not in targets:
        return place_of(output)
    if output is None and len(inputs) == 1 and os.path.isdir(inputs[0]):
        return Path(inputs[0])
    addresses = [target for target in targets if isinstance(target, Address)]
    if not addresses:
        return Path(os.path.commonpath([target.parent.absolute() for target in targets if isinstance(target, Path)]))
    if len({(*str(target).split("/")[:3],) for target in addresses}) > 1 or len(addresses) < len(targets):
        raise UsageError("the results would lie in several stores", "give one output with -o")
    return Address(addresses[0].scheme, os.path.commonpath([target.parent.path for target in addresses]))


def _engine(model: ModelChoice, choices: BatchChoices, tasks: int | None) -> Engine:
    """The engine for so many tasks, None where their number is open."""
    if choices.engine is EngineKind.local:
        return _local_engine(model, choices.jobs, tasks)
    from vidtrack.batch.ray_engine import RayEngine

    return RayEngine(model, choices.jobs, choices.address)


def _local_engine(model: ModelChoice, workers: int | None, tasks: int | None) -> Engine:
    from vidtrack.batch.local import LocalEngine

    devices = [model.device]
    if model.device in ("auto", "cuda"):  # the only ones that may mean several; finding out takes PyTorch's start
        from vidtrack.model.device import worker_devices

        devices = worker_devices(model.device)
    workers = workers or len(devices)
    threads = model.threads or max(1, (os.cpu_count() or 1) // workers)
    workers = workers if tasks is None else min(workers, tasks)
    processes = min(workers, len(devices)) if devices[0].startswith("cuda") else workers
    clips = math.ceil(workers / processes)  # at a time on one GPU, where one process is enough
    choices = [replace(model, device=device, threads=threads) for device in devices]
    return LocalEngine([choices[index % len(choices)] for index in range(processes)], clips)


@contextmanager
def _locked(root: Place) -> Iterator[None]:
    """Keep other batches out of `root`, those of other machines only where it is a shared folder."""
    from filelock import FileLock, Timeout

    folder = home_of(root) / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock", timeout=0):
            yield
    except Timeout:
        raise UsageError(f"another batch is at work in {root}", "wait for it, or choose another output") from None
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror}", "choose another output") from None


class _Watch:
    """Finds clips that have come into a watched folder and are whole."""

    def __init__(
        self,
        find_jobs: Callable[[], list[Job]],
        due_of: Callable[[Sequence[Job], int], Due],
        shown: Dashboard,
    ) -> None:
        self._find_jobs, self._due_of, self._shown = find_jobs, due_of, shown
        self._known: set[Place] = set()
        self._seen: dict[Place, tuple[tuple[int, int], float]] = {}
        self._next = 0.0

    def __call__(self) -> Sequence[tuple[Task, Row]]:
        now = time.monotonic()
        if now < self._next:
            return ()
        self._next = now + _SCAN_SECONDS
        try:
            jobs = [job for job in self._find_jobs() if job.source not in self._known]
        except InputError:  # an empty folder
            return ()
        whole = [job for job in jobs if self._is_still(job.source, now)]
        if not whole:
            return ()
        self._known.update(job.source for job in whole)
        due = self._due_of(whole, len(self._shown.tasks))
        for task, row in due.tasks:
            self._shown.add(task, row.bytes)
        return due.tasks

    def _is_still(self, source: Place, now: float) -> bool:
        identity = identity_of(source)
        before, since = self._seen.get(source, (None, now))
        if identity != before:
            self._seen[source] = identity, now
            return False
        return now - since >= _STILL_SECONDS
