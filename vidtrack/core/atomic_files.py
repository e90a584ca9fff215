"""Atomic writes: a file or folder appears under its name when it is complete, and only one run writes a file."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from vidtrack.core.errors import ExistsError, OutputError, UsageError

try:
    import fcntl
except ImportError:  # Windows, where a file cannot be renamed or removed while it is open
    fcntl = None  # type: ignore[assignment]

STDOUT = Path("-")
EXISTS_HINT = "--overwrite replaces it"


class AtomicFile:
    """`NAME.partial` beside `path`, locked until `commit`, `discard` or `leave`; only the first of them counts.

    The lock ends with the process, so the partial file of a run that was killed is simply taken over.

    Raises OutputError if the file cannot be written or another run is writing it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.partial = path.with_name(path.name + ".partial")
        self._descriptor: int | None = None
        try:
            if path.exists() and not path.is_file():  # a device would be replaced too
                raise OSError(errno.EEXIST, "it is not a regular file")
            self._descriptor = _claim(self.partial)
        except BlockingIOError:
            raise OutputError(f"another run is writing {path}", "wait for it, or choose another output") from None
        except OSError as error:
            raise cannot_write(path, error) from None

    def commit(self) -> None:
        """Give the file its name; raises OutputError."""
        if self._descriptor is None:
            return
        self._close_before_change()
        try:
            os.replace(self.partial, self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                self.partial.unlink()
            raise cannot_write(self.path, error) from None
        finally:
            self._release()

    def discard(self) -> None:
        """Remove the partial file."""
        if self._descriptor is not None:
            self._close_before_change()
            with contextlib.suppress(OSError):
                self.partial.unlink()
            self._release()

    def leave(self) -> None:
        """Keep the partial file, for what it is worth."""
        self._release()

    def _close_before_change(self) -> None:
        if fcntl is None:
            self._release()

    def _release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a partial file to write, which replaces `path` if all goes well and is removed if not.

    Raises OutputError for whatever the system refuses.
    """
    file = AtomicFile(path)
    try:
        yield file.partial
        file.commit()
    except OSError as error:
        raise cannot_write(path, error) from None
    finally:
        file.discard()


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file, and the folders above it, atomically; raises OutputError.

    Text is written as UTF-8; undecodable bytes of a file name become escapes.
    """
    data = content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from None
    with replacing(path) as partial:
        partial.write_bytes(data)


@contextmanager
def partial_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder `NAME.partial`, to be filled and renamed to `path`; whatever is left of it is removed.

    Raises OutputError for whatever the system refuses.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        _remove(partial)
        partial.mkdir(parents=True)
        yield partial
    except OSError as error:
        raise cannot_write(path, error) from None
    finally:
        _remove(partial)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it; raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot create the folder {folder}: {error.strerror or error}", "choose another") from None


def check_targets(targets: Sequence[Path | None], sources: Sequence[Path | None], overwrite: bool) -> None:
    """Raise UsageError if a file to write is a folder, an input of the command, named twice, or already exists."""
    taken = {os.path.realpath(source) for source in sources if source is not None}
    for target in targets:
        if target is None:
            continue
        if target.is_dir():
            raise UsageError(f"{target} is a folder", "give a file name")
        if os.path.realpath(target) in taken:
            raise UsageError(f"{target} would replace another file of this command", "give another name")
        taken.add(os.path.realpath(target))
    if not overwrite:
        refuse_existing([target for target in targets if target not in (None, STDOUT)])


def refuse_existing(paths: Iterable[Path], hint: str = EXISTS_HINT) -> None:
    """Raise ExistsError if one of the paths exists, even as a dangling link."""
    refuse_taken([path for path in paths if os.path.lexists(path)], hint)


def refuse_taken(existing: Sequence[object], hint: str = EXISTS_HINT) -> None:
    """Raise ExistsError unless `existing`, the outputs found to exist, is empty."""
    if existing:
        exist = f"and {len(existing) - 1} more already exist" if len(existing) > 1 else "already exists"
        raise ExistsError(f"{existing[0]} {exist}", hint)


def check_writable(path: Path) -> None:
    """Raise OutputError if no file of this name can be written; leaves nothing behind."""
    folder = next((parent for parent in path.absolute().parents if os.path.lexists(parent)), path.parent)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise cannot_write(path, error) from None


def cannot_write(path: Path, error: OSError) -> OutputError:
    """The error for an output that the system does not let us write."""
    if error.errno == errno.ENOENT:
        if not path.parent.exists():
            return OutputError(f"{path} cannot be written: its folder does not exist", "create it first")
        return OutputError(f"{path} cannot be written: its partial file is gone", "was it deleted during the run?")
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    hint = "free some space, or choose another disk" if full else "check the path and its permissions"
    return OutputError(f"{path} cannot be written: {error.strerror or error}", hint)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):  # what cannot be removed fails when it is replaced
            path.unlink()


def _claim(partial: Path) -> int:
    """Create `partial` empty and lock it; returns a descriptor that holds the lock.

    Raises BlockingIOError if another process holds it, OSError if the file cannot be created.
    """
    while True:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        if partial.is_symlink():
            partial.unlink()  # what it leads to would be overwritten
        descriptor = os.open(partial, flags, 0o666)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(errno.EEXIST, f"{partial.name} is in the way")
            _lock(descriptor)
            with contextlib.suppress(FileNotFoundError):
                # else it was renamed or removed before we had the lock
                if fcntl is None or os.path.samestat(os.lstat(partial), found):
                    if found.st_nlink == 1:
                        os.ftruncate(descriptor, 0)
                        return descriptor
                    partial.unlink()  # its other name would be overwritten
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks
        pass
