"""What a batch has left to do: its jobs held against what its manifest remembers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from vidtrack.batch.engine import Task
from vidtrack.batch.manifest import ASIDE, DONE, Row
from vidtrack.batch.plan import Existing, Job
from vidtrack.config import RunConfig
from vidtrack.errors import InputError, UsageError
from vidtrack.provenance import ContentHash, hash_content, hash_parameters
from vidtrack.video.sequence import is_sequence, picture_paths

ORDERS = ("name", "size", "newest")


@dataclass(frozen=True)
class Due:
    """Tasks with the rows they begin with, the jobs done before, those set aside, and rows that only need noting."""

    tasks: tuple[tuple[Task, Row], ...]
    done: tuple[Job, ...]
    aside: tuple[Job, ...]
    noted: tuple[Row, ...]


@dataclass(frozen=True)
class Wanted:
    """Hashes of all that shapes the outputs besides the clip."""

    parameters: str
    weights: str

    @classmethod
    def of(cls, config: RunConfig, weights: str) -> Wanted:
        """The hashes of a run with this model."""
        return cls(hash_parameters({**config.parameters(), "video": asdict(config.video)}), weights)


def find_due(
    jobs: Sequence[Job],
    rows: Mapping[Path, Row],
    root: Path,
    config: RunConfig,
    wanted: Wanted,
    existing: Existing = Existing.REFUSE,
    retry_aside: bool = False,
    first_number: int = 0,
) -> Due:
    """Compare jobs with the rows of the manifest in `root`.

    Done is a clip whose row says so with the same content, parameters and weights, and whose outputs are there in
    their size. The content is read again only where size or time of the file have changed. Raises UsageError where an
    output is there that is not in the manifest, unless `existing` says what to do with it.
    """
    tasks: list[tuple[Task, Row]] = []
    done, aside, noted, strange = [], [], [], []
    for job in jobs:
        source = relative(job.source, root)
        row, identity = rows.get(source), identity_of(job.source)
        same = row is not None and (row.parameters, row.weights) == (wanted.parameters, wanted.weights)
        if row is not None and same and existing is not Existing.OVERWRITE:
            if row.state == DONE and _are_there(job, row, root):
                if identity == (row.bytes, row.mtime_ns):
                    done.append(job)
                    continue
                if content_of(job.source) == row.content:
                    done.append(job)
                    noted.append(replace(row, bytes=identity[0], mtime_ns=identity[1]))
                    continue
            if row.state == ASIDE and not retry_aside and identity == (row.bytes, row.mtime_ns):
                aside.append(job)
                continue
        known = {name for name, _ in row.outputs} if row is not None else set()
        unknown = [target for target in job.outputs if str(relative(target, root)) not in known and target.exists()]
        if existing is Existing.REFUSE:
            strange += unknown
        resumes = same and existing is not Existing.OVERWRITE
        task = Task(
            first_number + len(tasks),
            job,
            replace(config, resume=config.resume or resumes),
            Existing.SKIP if unknown and existing is Existing.SKIP else Existing.OVERWRITE,
        )
        begun = Row(
            source,
            *identity,
            parameters=wanted.parameters,
            weights=wanted.weights,
            outputs=tuple((str(relative(target, root)), -1) for target in job.outputs),
            attempts=row.attempts if row is not None and same and not retry_aside else 0,
        )
        tasks.append((task, begun))
    if strange:
        more = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
        raise UsageError(
            f"{strange[0]}{more} exists already", "--overwrite replaces it, --skip-existing leaves finished clips"
        )
    return Due(tuple(tasks), tuple(done), tuple(aside), tuple(noted))


def in_order(jobs: Sequence[Job], order: str) -> list[Job]:
    """The jobs as they are to be taken up: as they stand, or the smallest or the newest clip first."""
    if order == "size":
        return sorted(jobs, key=lambda job: identity_of(job.source)[0])
    if order == "newest":
        return sorted(jobs, key=lambda job: -identity_of(job.source)[1])
    return list(jobs)


def relative(path: Path, root: Path) -> Path:
    """The path as seen from the manifest's folder, so that a tree can be moved as a whole."""
    return Path(os.path.relpath(path, root))


def identity_of(source: Path) -> tuple[int, int]:
    """Bytes and time of change (ns) of a clip, of a sequence those of all its pictures; (-1, -1) if it is not there."""
    try:
        stats = [path.stat() for path in (picture_paths(source) if is_sequence(source) else [source])]
    except (OSError, InputError):
        return -1, -1
    return sum(stat.st_size for stat in stats), max(stat.st_mtime_ns for stat in stats)


def content_of(source: Path) -> str:
    """The hash of a clip as a manifest holds it; empty where it cannot be read."""
    try:
        return written(hash_content(picture_paths(source) if is_sequence(source) else [source]))
    except InputError:
        return ""


def written(content: ContentHash) -> str:
    """A hash with its method, in a line."""
    return f"{content.method}:{content.value}"


def _are_there(job: Job, row: Row, root: Path) -> bool:
    sizes = dict(row.outputs)
    for target in job.outputs:
        try:
            if sizes.get(str(relative(target, root))) != os.stat(target).st_size:
                return False
        except OSError:
            return False
    return True
