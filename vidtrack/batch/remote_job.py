"""A clip or results at an address, worked on in a scratch folder of this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from vidtrack.batch.plan import Job, LocalJob
from vidtrack.batch.remote import Address, Location, fetch, look_up, put
from vidtrack.core.errors import OutputError, ResourceError, VidtrackError

_PREFIX = "vidtrack-clip-"
_LOCK = "lock"
_SETTLED_SECONDS = 60  # a folder is locked within this time after it is made


@contextmanager
def local_copy(job: Job, with_results: bool = False) -> Iterator[LocalJob]:
    """The job with files of this machine in place of addresses.

    The clip is fetched first, and results of earlier runs if needed. Whatever results are made, of an
    interrupted clip or a failed one too, are put to their addresses, the log last; the scratch folder goes. Errors
    name the addresses.
    """
    if not any(isinstance(place, Address) for place in (job.source, job.video, job.log)):
        yield _localised(job, Path())
        return
    with _scratch_folder() as scratch:
        with ExitStack() as naming:
            local = _localised(job, scratch)
            naming.enter_context(_addresses_named({str(local.source): str(job.source)}))
            if isinstance(job.source, Address):
                _refuse_lack_of_room(job.source, scratch)
                fetch(job.source, local.source)
            earlier = _fetch_results(job, local) if with_results else {}
            try:
                yield local
            except BaseException:
                with contextlib.suppress(OutputError):  # of two errors the first one counts
                    _put_results(job, local, earlier)
                raise
        _put_results(job, local, earlier)


def _localised(job: Job, scratch: Path) -> LocalJob:
    """Files under the names they have at their addresses."""

    def place(folder: str, wanted: Location) -> Path:
        if isinstance(wanted, Path):
            return wanted
        (scratch / folder).mkdir(exist_ok=True)
        return scratch / folder / wanted.name

    return LocalJob(
        source=place("clip", job.source),
        video=place("results", job.video) if isinstance(job.video, Path | Address) else job.video,
        log=place("results", job.log) if isinstance(job.log, Path | Address) else job.log,  # or a stream
    )


def _results(job: Job, local: LocalJob) -> Iterator[tuple[Address, Path]]:
    for wanted, made in ((job.video, local.video), (job.log, local.log)):
        if isinstance(wanted, Address) and isinstance(made, Path):
            yield wanted, made


def _fetch_results(job: Job, local: LocalJob) -> dict[Path, int]:
    """Fetch the outputs of earlier runs; returns their inodes, to tell them from new ones."""
    found = {}
    for address, path in _results(job, local):
        if (listed := look_up(address)) is not None:
            fetch(listed, path)
            found[path] = path.stat().st_ino
    return found


def _put_results(job: Job, local: LocalJob, earlier: dict[Path, int]) -> None:
    for address, path in _results(job, local):
        if path.exists() and path.stat().st_ino != earlier.get(path):
            put(path, address)


def _refuse_lack_of_room(source: Address, scratch: Path) -> None:
    free = shutil.disk_usage(scratch).free
    if source.bytes > free:
        raise ResourceError(
            f"{source} is {source.bytes / 1e9:.3g} GB, but {scratch.parent} has only {free / 1e9:.3g} GB free",
            "set TMPDIR to a folder with more space",
        )


@contextmanager
def _addresses_named(names: dict[str, str]) -> Iterator[None]:
    """Errors speak of what the person named, not of copies in the scratch folder."""
    try:
        yield
    except VidtrackError as error:
        for local, name in names.items():
            error.message = error.message.replace(local, name)
        raise


@contextmanager
def _scratch_folder() -> Iterator[Path]:
    """A folder of our own; those of workers that were killed are removed."""
    _sweep(Path(tempfile.gettempdir()))
    try:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    except OSError as error:
        raise ResourceError(f"cannot create a scratch folder: {error.strerror}", "set TMPDIR") from None
    try:
        with FileLock(folder / _LOCK):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(parent: Path) -> None:
    """Remove scratch folders of ours that nobody holds any more."""
    owner = os.getuid() if hasattr(os, "getuid") else None
    for folder in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError, Timeout):
            found = folder.lstat()
            if owner not in (None, found.st_uid) or folder.is_symlink():
                continue
            if time.time() - found.st_mtime > _SETTLED_SECONDS:
                with FileLock(folder / _LOCK, timeout=0):
                    shutil.rmtree(folder)
