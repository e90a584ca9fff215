"""Track many clips: find what is pending, give it to an engine, and keep the records."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from vidtrack.batch.config import BatchConfig, BatchResult
from vidtrack.batch.engine import Crashed, Event, Outcome, Progressed, Started, Task
from vidtrack.batch.engines import open_engine
from vidtrack.batch.events import (
    BatchEvent,
    BatchWarning,
    ClipCrashed,
    ClipFinished,
    ClipProgressed,
    ClipsQueued,
    ClipStarted,
)
from vidtrack.batch.lock import locked
from vidtrack.batch.loop import Batch
from vidtrack.batch.manifest import FOLDER, NAME, Manifest, Row
from vidtrack.batch.overview import save_thumbnail
from vidtrack.batch.pending import Fingerprint, find_pending, in_order
from vidtrack.batch.plan import Job, plan
from vidtrack.batch.records import Records
from vidtrack.batch.remote import Address, Location, location_of
from vidtrack.batch.remote_manifest import ManifestCopy, home_of
from vidtrack.batch.watch import FolderWatch
from vidtrack.core.errors import UsageError
from vidtrack.core.status import Status
from vidtrack.model.choice import ModelChoice
from vidtrack.video.codecs import suffix_for


def track_batch(
    inputs: str | Path | Sequence[str | Path],
    output: str | Path | None = None,
    *,
    model: ModelChoice | str | Path = "default",
    config: BatchConfig | None = None,
    on_event: Callable[[BatchEvent], None] | None = None,
) -> BatchResult:
    """Track many clips, each to an annotated video and a track log, and remember what is done.

    `inputs` are clips, folders, patterns or addresses; `output` is a folder or address, None is beside each clip.
    A second call with the same arguments does only what is left. `on_event` is called in this thread. An interrupt
    lets the clips that are being tracked stop after their current frame.

    Worker processes import the calling script: guard its code with `if __name__ == "__main__":`.

    Raises UsageError, InputError, OutputError, ResourceError or WeightsError for what concerns the whole batch; a
    clip that fails is an outcome.
    """
    config = config or BatchConfig()
    model = model if isinstance(model, ModelChoice) else ModelChoice(str(model))
    names = [str(inputs)] if isinstance(inputs, str | Path) else [str(name) for name in inputs]
    place = None if output is None else str(output)
    suffix = suffix_for(config.run.video.codec) if config.video else None

    def find_jobs() -> list[Job]:
        return plan(names, place, suffix, config.include, config.exclude)

    jobs = [] if config.watch else find_jobs()
    return run_batch(jobs, find_jobs, batch_root(names, place, jobs), model, config, on_event)


def run_batch(
    jobs: Sequence[Job],
    find_jobs: Callable[[], Sequence[Job]],
    root: Location,
    model: ModelChoice,
    config: BatchConfig,
    on_event: Callable[[BatchEvent], None] | None = None,
) -> BatchResult:
    """Track those of `jobs` that are pending, with the manifest in `root`; `find_jobs` finds more for a watch.

    Raises UsageError if another batch is running there.
    """
    from vidtrack.model import registry

    notify = on_event or (lambda event: None)
    with ExitStack() as stack:
        stack.enter_context(locked(root))
        copy = stack.enter_context(ManifestCopy(root))
        manifest = Manifest(home_of(root) / FOLDER / NAME)
        stack.callback(manifest.close)
        manifest.recover()
        weights = registry.content_sha256(registry.locate(model.name).path)
        fingerprint = Fingerprint.of(config.run, weights, model.prompt)
        backlog = _Backlog(manifest, root, config, fingerprint)
        tasks = backlog.take(jobs)[: config.limit]
        records = Records(root, manifest, copy)
        outcomes: list[Outcome] = []
        interrupted = False
        if tasks or config.watch:
            notify(backlog.queued(tasks))
            engine = open_engine(config.engine, model, config, None if config.watch else len(tasks))
            stack.callback(engine.close)

            def tell(event: Event) -> None:
                if (named := _named(event, backlog.jobs)) is not None:
                    notify(named)
                records.refresh_if_stale()

            watch = FolderWatch(find_jobs, lambda message: notify(BatchWarning(message)))

            def more() -> Sequence[tuple[Task, Row]]:
                records.refresh_if_stale()
                found = backlog.take(new) if (new := watch.new_jobs()) else ()
                if found:
                    notify(backlog.queued(found))
                return found

            batch = Batch(engine, manifest, root, config.rules)
            for outcome in batch.run(tasks, tell, more if config.watch else None):
                notify(ClipFinished(outcome))
                save_thumbnail(root, outcome)
                outcomes.append(outcome)
                records.changed = True
            interrupted = batch.interrupted
        records.finish()
    left = len(backlog.jobs) - sum(outcome.status != Status.INTERRUPTED for outcome in outcomes)
    failed_fast = config.rules.fail_fast and any(outcome.error is not None for outcome in outcomes)
    return BatchResult(
        root, tuple(outcomes), tuple(backlog.done), tuple(backlog.quarantined), left, failed_fast, interrupted
    )


def batch_root(inputs: Sequence[str], output: str | None, jobs: Sequence[Job]) -> Location:
    """The folder that a batch's manifest belongs to; raises UsageError if the results have none in common."""
    targets = [target for job in jobs for target in job.outputs]
    if output is not None and location_of(output) not in targets:
        return location_of(output)
    if output is None and len(inputs) == 1 and os.path.isdir(inputs[0]):
        return Path(inputs[0])
    addresses = [target for target in targets if isinstance(target, Address)]
    if not addresses:
        common = os.path.commonpath([target.parent.absolute() for target in targets if isinstance(target, Path)])
        existing = next(folder for folder in (Path(common), *Path(common).parents) if folder.exists())
        is_usable = Path(common).parent != Path(common) and os.access(existing, os.W_OK)
        return Path(common) if is_usable else Path.cwd()
    if len({(*str(target).split("/")[:3],) for target in addresses}) > 1 or len(addresses) < len(targets):
        raise UsageError("the results would be spread over several stores", "give one output with -o")
    return Address(addresses[0].scheme, os.path.commonpath([target.parent.path for target in addresses]))


class _Backlog:
    """What is left to do, found once or, for a watched folder, again and again."""

    def __init__(self, manifest: Manifest, root: Location, config: BatchConfig, fingerprint: Fingerprint) -> None:
        self._manifest, self._root, self._config, self._fingerprint = manifest, root, config, fingerprint
        self.jobs: list[Job] = []  # of the tasks, by their number
        self.done: list[Job] = []
        self.quarantined: list[Job] = []

    def take(self, jobs: Sequence[Job]) -> tuple[tuple[Task, Row], ...]:
        """The tasks among `jobs`; raises UsageError if an output is in the way."""
        pending = find_pending(
            in_order(jobs, self._config.order),
            self._manifest.rows(),
            self._root,
            self._config.run,
            self._fingerprint,
            self._config.existing,
            self._config.retry_quarantined,
            first_number=len(self.jobs),
        )
        self._manifest.put(pending.noted)
        self.jobs += [task.job for task, _ in pending.tasks]
        self.done += pending.done
        self.quarantined += pending.quarantined
        return pending.tasks

    def queued(self, tasks: Sequence[tuple[Task, Row]]) -> ClipsQueued:
        """The event that announces tasks."""
        return ClipsQueued(tuple((task.job, row.bytes) for task, row in tasks), len(self.done))


def _named(event: Event, jobs: Sequence[Job]) -> BatchEvent | None:
    """An engine's event with its clip in place of a number; None for the end of a clip, which the loop decides."""
    job = jobs[event.number]
    if isinstance(event, Started):
        return ClipStarted(job, event.worker)
    if isinstance(event, Progressed):
        return ClipProgressed(job, event.worker, event.progress)
    if isinstance(event, Crashed):
        return ClipCrashed(job, event.worker, event.reason)
    return None
