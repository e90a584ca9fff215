"""An append-only file that can be truncated to any length marked before, after verifying it."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from vidtrack.core.errors import OutputError

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Mark:
    """A length of a journal and the CRC-32 of that many bytes."""

    length: int
    crc: int


class Journal:
    """Records of work in order; `mark` syncs them to disk, opening at a mark drops the rest.

    Raises OutputError if the file cannot be written.
    """

    def __init__(self, path: Path, mark: Mark | None = None) -> None:
        self.path = path
        self._length, self._crc = (0, 0) if mark is None else (mark.length, mark.crc)
        try:
            self._file: BinaryIO = path.open("wb" if mark is None else "r+b")
            self._file.truncate(self._length)
            self._file.seek(self._length)
        except OSError as error:
            raise self._failure(error) from error

    def append(self, *parts: bytes) -> None:
        """Add bytes at the end."""
        try:
            for part in parts:
                self._file.write(part)
                self._length += len(part)
                self._crc = zlib.crc32(part, self._crc)
        except OSError as error:
            raise self._failure(error) from error

    def mark(self) -> Mark:
        """Its current end; everything before it survives a power failure."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._failure(error) from error
        return Mark(self._length, self._crc)

    def reread(self) -> BinaryIO:
        """A stream of the records so far, to be closed by the caller."""
        try:
            self._file.flush()
            return self.path.open("rb")
        except OSError as error:
            raise self._failure(error) from error

    def close(self) -> None:
        """Close the file; safe to call twice."""
        try:
            self._file.close()
        except OSError:
            pass  # a full disk; what was not marked is dropped anyway

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _failure(self, error: OSError) -> OutputError:
        return OutputError(f"{self.path} cannot be written: {error.strerror or error}", "check disk and permissions")


def holds(path: Path, mark: Mark) -> bool:
    """Whether a journal still starts with what was marked."""
    left, crc = mark.length, 0
    try:
        with path.open("rb") as file:
            while left > 0 and (block := file.read(min(left, _BLOCK_BYTES))):
                left, crc = left - len(block), zlib.crc32(block, crc)
    except OSError:
        return False
    return left == 0 and crc == mark.crc
