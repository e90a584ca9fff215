"""What a batch has left to do: its jobs held against what its manifest remembers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath

from vidtrack.batch.engine import Logged, Task
from vidtrack.batch.manifest import DONE, QUARANTINED, Row
from vidtrack.batch.plan import EXISTS_HINT, Existing, Job
from vidtrack.batch.remote import Address, Location, look_up, sizes_of
from vidtrack.core.atomic_files import refuse_taken
from vidtrack.core.errors import InputError, LogError
from vidtrack.pipeline.config import RunConfig
from vidtrack.tracklog import read_ends
from vidtrack.tracklog.header import ContentHash
from vidtrack.tracklog.provenance import hash_content, hash_parameters
from vidtrack.video.image_sequence import image_paths, is_sequence

ORDERS = ("name", "size", "newest")


@dataclass(frozen=True)
class Pending:
    """Tasks with the rows they begin with, the jobs done before, those quarantined, and rows that only need noting."""

    tasks: tuple[tuple[Task, Row], ...]
    done: tuple[Job, ...]
    quarantined: tuple[Job, ...]
    noted: tuple[Row, ...]


@dataclass(frozen=True)
class Fingerprint:
    """Hashes of all that shapes the outputs besides the clip."""

    parameters: str
    weights: str

    @classmethod
    def of(cls, config: RunConfig, weights: str, prompt: Sequence[str] | None = None) -> Fingerprint:
        """The hashes of a run with this model."""
        parameters = {**config.parameters(), "video": asdict(config.video)}
        return cls(hash_parameters(parameters if prompt is None else {**parameters, "prompt": [*prompt]}), weights)


def find_pending(
    jobs: Sequence[Job],
    rows: Mapping[Location, Row],
    root: Location,
    config: RunConfig,
    wanted: Fingerprint,
    existing: Existing = Existing.REFUSE,
    retry_quarantined: bool = False,
    first_number: int = 0,
) -> Pending:
    """Compare jobs with the rows of the manifest in `root`.

    Done is a clip whose row says so with the same content, parameters and weights, and whose outputs are there in
    their size. The content is read again only where size or time of the file have changed, at an address never.
    Raises UsageError if an output is there that is not in the manifest, unless `existing` says what to do with it.
    """
    tasks: list[tuple[Task, Row]] = []
    done, quarantined, noted, strange = [], [], [], []
    there = _sizes(target for job in jobs for target in job.outputs)
    for job in jobs:
        source = relative(job.source, root)
        row, identity = rows.get(source), identity_of(job.source)
        same = row is not None and (row.parameters, row.weights) == (wanted.parameters, wanted.weights)
        if row is not None and same and existing is not Existing.OVERWRITE:
            if row.state == DONE and _are_there(job, row, root, there):
                if identity == (row.bytes, row.mtime_ns):
                    done.append(job)
                    continue
                if row.content and content_of(job.source) == row.content:
                    done.append(job)
                    noted.append(replace(row, bytes=identity[0], mtime_ns=identity[1]))
                    continue
            if row.state == QUARANTINED and not retry_quarantined and identity == (row.bytes, row.mtime_ns):
                quarantined.append(job)
                continue
        known = {name for name, _ in row.outputs} if row is not None else set()
        unknown = [target for target in job.outputs if str(relative(target, root)) not in known and target in there]
        if existing is Existing.REFUSE:
            strange += unknown
        unsure = unknown if existing is Existing.SKIP else []  # until a worker has found them to be ours
        resumes = same and existing is not Existing.OVERWRITE
        task = Task(
            first_number + len(tasks),
            job,
            replace(config, resume=config.resume or resumes),
            Existing.SKIP if unsure else Existing.OVERWRITE,
        )
        begun = Row(
            source,
            *identity,
            parameters=wanted.parameters,
            weights=wanted.weights,
            outputs=tuple((str(relative(target, root)), -1) for target in job.outputs if target not in unsure),
            attempts=row.attempts if row is not None and same and not retry_quarantined else 0,
        )
        tasks.append((task, begun))
    refuse_taken(strange, EXISTS_HINT)
    return Pending(tuple(tasks), tuple(done), tuple(quarantined), tuple(noted))


def in_order(jobs: Sequence[Job], order: str) -> list[Job]:
    """The jobs as they are to be resumed: as they stand, or the smallest or the newest clip first."""
    if order == "size":
        return sorted(jobs, key=lambda job: identity_of(job.source)[0])
    if order == "newest":
        return sorted(jobs, key=lambda job: -identity_of(job.source)[1])
    return list(jobs)


def relative(place: Location, root: Location) -> Location:
    """The path as seen from the manifest's folder, so that a tree can be moved as a whole; whole if it is elsewhere."""
    if isinstance(place, Address):
        path = PurePosixPath(place.path)
        inside = isinstance(root, Address) and root.scheme == place.scheme and path.is_relative_to(root.path)
        return Path(path.relative_to(root.path)) if isinstance(root, Address) and inside else place
    return Path(os.path.abspath(place) if isinstance(root, Address) else os.path.relpath(place, root))


def size_of(place: Location) -> int:
    """Bytes of a file; -1 if it does not exist."""
    if isinstance(place, Path):
        with suppress(OSError):
            return place.stat().st_size
        return -1
    return -1 if (found := look_up(place)) is None else found.bytes


def identity_of(source: Location) -> tuple[int, int]:
    """Bytes and time of change (ns) of a clip, of a sequence those of all its images; (-1, -1) if it does not exist."""
    if isinstance(source, Address):
        return source.bytes, source.changed_ns
    try:
        stats = [path.stat() for path in (image_paths(source) if is_sequence(source) else [source])]
    except (OSError, InputError):
        return -1, -1
    return sum(stat.st_size for stat in stats), max(stat.st_mtime_ns for stat in stats)


def content_of(source: Location) -> str:
    """The hash of a clip as a manifest holds it; empty if it cannot be read, and at an address."""
    if isinstance(source, Address):
        return ""
    try:
        return written(hash_content(image_paths(source) if is_sequence(source) else [source]))
    except InputError:
        return ""


def read_logged(log: Path) -> Logged:
    """What a log says, whatever has become of its clip since."""
    try:
        header, footer = read_ends(log)
    except LogError:
        return Logged()
    content = written(header.source.hash)
    if footer is None:
        return Logged(content)
    return Logged(content, str(footer.status), footer.frames, footer.tracks, footer.figures.seconds or 0.0)


def written(content: ContentHash) -> str:
    """A hash with its method, in a line."""
    return f"{content.method}:{content.value}"


def _sizes(targets: Iterable[Location]) -> dict[Location, int]:
    """Bytes of those that are there."""
    found: dict[Location, int] = {}
    addresses: list[Address] = []
    for target in targets:
        if isinstance(target, Address):
            addresses.append(target)
        else:
            with suppress(OSError):
                found[target] = os.stat(target).st_size
    return found | {**sizes_of(addresses)}


def _are_there(job: Job, row: Row, root: Location, there: Mapping[Location, int]) -> bool:
    sizes = dict(row.outputs)
    return all(target in there and sizes.get(str(relative(target, root))) == there[target] for target in job.outputs)
