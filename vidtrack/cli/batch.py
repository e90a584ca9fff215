"""Many clips: the manifest, the workers, and what is shown of them."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vidtrack.batch.engine import Engine, Event, ModelChoice, Outcome, Task
from vidtrack.batch.lock import locked
from vidtrack.batch.loop import Batch, Rules
from vidtrack.batch.manifest import FOLDER, NAME, Manifest, Row
from vidtrack.batch.overview import INDEX, REPORT, write_overview
from vidtrack.batch.pending import Wanted, find_due, identity_of, in_order
from vidtrack.batch.plan import Existing, Job
from vidtrack.batch.remote import Address, Place, place_of
from vidtrack.batch.remote_manifest import ManifestCopy, home_of
from vidtrack.cli.options import EngineKind, ProgressStyle
from vidtrack.core.errors import InputError, UsageError

if TYPE_CHECKING:
    from vidtrack.cli.dashboard import Dashboard
    from vidtrack.pipeline.config import RunConfig

_SCAN_SECONDS = 2.0  # between two looks into a watched folder
_STILL_SECONDS = 4.0  # a file that has not changed for so long is whole
_RECORD_SECONDS = 60.0  # between two times at least at which the records are brought up to date
_SHARE = 20  # and so many times what the last time took


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
    """What became of a batch: this run's outcomes, clips done before, clips set aside, clips not done."""

    root: Place
    outcomes: tuple[Outcome, ...]
    done_before: tuple[Job, ...]
    aside: tuple[Job, ...]
    left: int
    failed_fast: bool = False  # ended by its first failure
    interrupted: bool = False


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
        stack.enter_context(locked(root))
        copy = stack.enter_context(ManifestCopy(root))
        manifest = Manifest(home_of(root) / FOLDER / NAME)
        stack.callback(manifest.close)
        wanted = Wanted.of(config, registry.content_sha256(registry.locate(model.name)[0]))
        stock = _Stock(manifest, root, config, wanted, existing, choices)
        tasks = stock.take(jobs)[: choices.limit]
        records = _Records(root, manifest, copy)
        outcomes: list[Outcome] = []
        interrupted = False
        if tasks or choices.watch:
            shown = stack.enter_context(dashboard(progress, len(stock.done)))
            for task, row in tasks:
                shown.add(task, row.bytes)
            engine = _engine(model, choices, len(tasks) if not choices.watch else None)
            stack.callback(engine.close)

            def tell(event: Event) -> None:
                shown.event(event)
                records.update_if_due()

            more = _Watch(find_jobs, stock, shown, records) if choices.watch else None
            batch = Batch(engine, manifest, root, choices.rules)
            for outcome in batch.run(tasks, tell, more):
                shown.outcome(outcome)
                outcomes.append(outcome)
                records.changed = True
            interrupted = batch.interrupted
        records.finish()
    left = stock.tasks - sum(outcome.status != "interrupted" for outcome in outcomes)
    failed_fast = choices.rules.fail_fast and any(outcome.error is not None for outcome in outcomes)
    return BatchResult(root, tuple(outcomes), tuple(stock.done), tuple(stock.aside), left, failed_fast, interrupted)


def finish_batch(result: BatchResult, report: Path | None, progress: ProgressStyle) -> int:
    """Say what became of a batch, write its reports, and return the exit code."""
    from vidtrack.cli import exits
    from vidtrack.cli.summary import print_summary, summary_record, write_report

    if report is not None:
        write_report(report, result.outcomes)
    with suppress(OSError):  # where nobody can read it, the work is done all the same
        if progress is ProgressStyle.json:
            print(json.dumps({"event": "summary", **summary_record(result)}, ensure_ascii=False), file=sys.stderr)
        else:
            print_summary(result)
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
        common = os.path.commonpath([target.parent.absolute() for target in targets if isinstance(target, Path)])
        there = next(place for place in (Path(common), *Path(common).parents) if place.exists())
        return Path(common) if Path(common).parent != Path(common) and os.access(there, os.W_OK) else Path.cwd()
    if len({(*str(target).split("/")[:3],) for target in addresses}) > 1 or len(addresses) < len(targets):
        raise UsageError("the results would lie in several stores", "give one output with -o")
    return Address(addresses[0].scheme, os.path.commonpath([target.parent.path for target in addresses]))


def _engine(model: ModelChoice, choices: BatchChoices, tasks: int | None) -> Engine:
    """The engine for so many tasks, None where their number is open."""
    if choices.engine is EngineKind.local:
        return _local_engine(model, choices.jobs, tasks)
    from vidtrack.batch.engines.ray import RayEngine

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


class _Stock:
    """What there is to do, found once or, where a folder is watched, again and again."""

    def __init__(
        self,
        manifest: Manifest,
        root: Place,
        config: RunConfig,
        wanted: Wanted,
        existing: Existing,
        choices: BatchChoices,
    ) -> None:
        self._manifest, self._root, self._config, self._wanted = manifest, root, config, wanted
        self._existing, self._choices = existing, choices
        self.tasks = 0  # so far
        self.done: list[Job] = []
        self.aside: list[Job] = []

    def take(self, jobs: Sequence[Job]) -> tuple[tuple[Task, Row], ...]:
        """The tasks among jobs; raises UsageError where an output is in their way."""
        due = find_due(
            in_order(jobs, self._choices.order),
            self._manifest.rows(),
            self._root,
            self._config,
            self._wanted,
            self._existing,
            self._choices.retry_aside,
            first_number=self.tasks,
        )
        self._manifest.put(due.noted)
        self.tasks += len(due.tasks)
        self.done += due.done
        self.aside += due.aside
        return due.tasks


class _Records:
    """Overview and copy of the manifest, brought up to date now and then, as nobody knows when a machine stops."""

    def __init__(self, root: Place, manifest: Manifest, copy: ManifestCopy) -> None:
        self._root, self._manifest, self._copy = root, manifest, copy
        self._updated, self._took = time.monotonic(), 0.0
        self.changed = False

    def update_if_due(self) -> None:
        """Update where something has changed and the last time is long ago."""
        if self.changed and time.monotonic() - self._updated > max(_RECORD_SECONDS, _SHARE * self._took):
            self.update()

    def finish(self) -> None:
        """Update where something has changed, in this run or in one that was killed."""
        folder = home_of(self._root) / FOLDER
        known, shown = ((folder / name).stat().st_mtime_ns if (folder / name).exists() else 0 for name in (NAME, INDEX))
        if self.changed or known > shown:
            self.update()

    def update(self) -> None:
        """Bring all up to date; raises OutputError."""
        began = time.monotonic()
        write_overview(self._root, self._manifest.rows().values())
        self._copy.save()
        self._copy.put_reports([REPORT, INDEX])
        self._updated, self.changed = time.monotonic(), False
        self._took = self._updated - began


class _Watch:
    """Finds clips that have come into a watched folder and are whole."""

    def __init__(self, find_jobs: Callable[[], list[Job]], stock: _Stock, shown: Dashboard, records: _Records) -> None:
        self._find_jobs, self._stock, self._shown, self._records = find_jobs, stock, shown, records
        self._known: set[Place] = set()
        self._seen: dict[Place, tuple[tuple[int, int], float]] = {}
        self._next = 0.0
        self._complaint = ""

    def __call__(self) -> Sequence[tuple[Task, Row]]:
        self._records.update_if_due()
        now = time.monotonic()
        if now < self._next:
            return ()
        self._next = now + _SCAN_SECONDS
        try:
            return self._find(now)
        except InputError:  # an empty folder
            return ()
        except UsageError as error:  # such as two clips that would become one file
            if not self._seen:
                raise
            self._complain(f"{error}: nothing is begun before that is mended")
            return ()

    def _find(self, now: float) -> Sequence[tuple[Task, Row]]:
        jobs = [job for job in self._find_jobs() if job.source not in self._known]
        whole = [job for job in jobs if self._is_still(job.source, now)]
        if not whole:
            return ()
        tasks = self._stock.take(whole)
        self._known.update(job.source for job in whole)
        self._shown.done_before = len(self._stock.done)
        for task, row in tasks:
            self._shown.add(task, row.bytes)
        return tasks

    def _complain(self, complaint: str) -> None:
        if complaint != self._complaint:
            self._complaint = complaint
            self._shown.warn(complaint)

    def _is_still(self, source: Place, now: float) -> bool:
        identity = identity_of(source)
        before, since = self._seen.get(source, (None, now))
        if identity != before or identity == (-1, -1):  # it has changed, or is gone
            self._seen[source] = identity, now
            return False
        return now - since >= _STILL_SECONDS
