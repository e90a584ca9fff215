"""Addresses such as s3://bucket/folder, by fsspec: what is there, fetched from there, put there whole."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from vidtrack.core.errors import (
    InputError,
    OutputError,
    ResourceError,
    UsageError,
    VidtrackError,
)

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)
_WHOLE_PUTS = frozenset("abfs az gcs gs memory oci oss s3 s3a".split())  # object stores: a key appears when it is whole
_TAGS = ("ETag", "etag", "md5Hash")
_TIMES = ("LastModified", "last_modified", "updated", "mtime", "created")
_LONGEST_REASON = 200  # characters of what a store says


@dataclass(frozen=True)
class Address:
    """A place in a store: `scheme://path`.

    `bytes` and `changed_ns` are as listed, -1 if it was not listed, and do not count when addresses are compared.
    `changed_ns` is the time of change in ns, of which the part below a second stands for the ETag or checksum, where
    the store has one: stores tell the time in whole seconds.
    """

    scheme: str
    path: str  # with the bucket or host, without a slash at its end
    bytes: int = field(default=-1, compare=False)
    changed_ns: int = field(default=-1, compare=False)

    @classmethod
    def parse(cls, text: str) -> Address:
        """The address that `text` is; raises UsageError if it names no place or holds a password."""
        found = _ADDRESS.fullmatch(text)
        if found is None or not found[2].strip("/"):
            raise UsageError(f"{text} is not an address", "give s3://bucket/folder, gs://bucket/folder or a path")
        address = cls(found[1].lower(), found[2].rstrip("/"))
        host = address.path.partition("/")[0]
        if "@" in host and ":" in host.rpartition("@")[0]:
            raise UsageError("an address with a password in it would be written to logs", "configure it for fsspec")
        return address

    @property
    def name(self) -> str:
        """The last part of the path."""
        return PurePosixPath(self.path).name

    @property
    def stem(self) -> str:
        """The name without its ending."""
        return PurePosixPath(self.path).stem

    @property
    def suffix(self) -> str:
        """The ending of the name, with its dot."""
        return PurePosixPath(self.path).suffix

    @property
    def parent(self) -> Address:
        """The folder it lies in."""
        return Address(self.scheme, self.path.rpartition("/")[0])

    def with_name(self, name: str) -> Address:
        """Another file in the same folder."""
        return self.parent / name

    def below(self, folder: Address) -> Path:
        """The folders between a folder and this file; raises InputError if they lead out of it."""
        parts = PurePosixPath(self.path).relative_to(folder.path).parts
        if ".." in parts:
            raise InputError(f"{self} is not a valid file name", "rename it, or exclude it")
        return Path(*parts[:-1])

    def __truediv__(self, below: str | os.PathLike[str]) -> Address:
        parts = PurePosixPath(*Path(below).parts).as_posix()
        return self if parts == "." else Address(self.scheme, f"{self.path}/{parts}")

    def __str__(self) -> str:
        return f"{self.scheme}://{self.path}"


Location = Path | Address


def location_of(text: str) -> Location:
    """The file or address that `text` names."""
    return Address.parse(text) if is_address(text) else Path(text)


def is_address(text: str) -> bool:
    """True for `scheme://...`."""
    return _ADDRESS.fullmatch(text) is not None


def list_below(root: Address) -> list[Address]:
    """Every file at or below an address, in order of their names, with size and time; empty if nothing is.

    Raises UsageError for a store that cannot be used, InputError for one that cannot be read.
    """
    store = _store(root)
    with _plainly(root, InputError, "listed"):
        store.invalidate_cache()
        entries = store.find(str(root), detail=True)
    return [_listed(root, store, name, entries[name]) for name in sorted(entries)]


def look_up(address: Address) -> Address | None:
    """The same with size and time; None if no file is.

    Raises UsageError for a store that cannot be used, InputError for one that cannot be read.
    """
    store = _store(address)
    with _plainly(address, InputError, "read"):
        store.invalidate_cache()
        try:
            entry = store.info(str(address))
        except FileNotFoundError:
            return None
    return replace(address, **_properties(entry)) if entry.get("type") == "file" else None


def sizes_of(addresses: Iterable[Address]) -> dict[Address, int]:
    """Bytes of the addresses at which a file exists, found by listing their folders."""
    wanted: dict[str, list[Address]] = {}
    for address in addresses:
        wanted.setdefault(str(address).split("/")[2], []).append(address)  # a bucket or host each
    found = {}
    for group in wanted.values():
        common = os.path.commonpath([address.parent.path for address in group])
        listed = {address: address.bytes for address in list_below(Address(group[0].scheme, common))}
        found.update({address: listed[address] for address in group if address in listed})
    return found


def matching(pattern: Address) -> list[Address]:
    """The files that a pattern with `*`, `**`, `?` or `[...]` matches, in order of their names.

    Raises UsageError for a store that cannot be used, InputError for one that cannot be read.
    """
    store = _store(pattern)
    with _plainly(pattern, InputError, "listed"):
        store.invalidate_cache()
        entries = store.glob(str(pattern), detail=True)
    root = fixed_part(pattern)
    return [_listed(root, store, name, entries[name]) for name in sorted(entries) if entries[name]["type"] == "file"]


def fixed_part(pattern: Address) -> Address:
    """The folder above the first part of a pattern that is not a plain name."""
    return Address(pattern.scheme, re.split(r"[*?\[]", pattern.path)[0].rpartition("/")[0])


def fetch(address: Address, target: Path) -> None:
    """Copy a file to this machine.

    Raises InputError if it cannot be read or its size has changed since it was listed, ResourceError if it does
    not fit on the disk.
    """
    with _plainly(address, InputError, "read"):
        _store(address).get_file(str(address), str(target))
    if address.bytes >= 0 and target.stat().st_size != address.bytes:
        raise InputError(f"{address} changed since it was listed", "run again when it is complete")


def put(source: Path, address: Address) -> None:
    """Copy a file of this machine to an address, where it appears when complete.

    Raises OutputError.
    """
    with _plainly(address, OutputError, "written"):
        store = _store(address)
        if address.scheme in _WHOLE_PUTS:
            store.put_file(str(source), str(address))
            return
        partial = f"{address}.partial"
        store.makedirs(str(address.parent), exist_ok=True)
        store.put_file(str(source), partial)
        store.mv(partial, str(address))


def _store(address: Address) -> Any:
    """fsspec's file system for an address; not by `url_to_fs`, for which `::` in a name is a chain of addresses."""
    from fsspec.registry import get_filesystem_class

    try:
        kind = get_filesystem_class(address.scheme)
    except ValueError:
        raise UsageError(f"{address}: unknown store {address.scheme}://", "use s3:// or gs://") from None
    except ImportError as error:
        raise UsageError(
            f"{address}: a package is missing: {error}", "pip install 'vidtrack[remote]' adds s3:// and gs://"
        ) from None
    with _plainly(address, InputError, "reached"):
        return kind(**kind._get_kwargs_from_urls(str(address)))


def _listed(root: Address, store: Any, name: str, entry: dict[str, Any]) -> Address:
    """An entry of a listing, whose names lack scheme and host."""
    below = name.removeprefix(store._strip_protocol(str(root))).lstrip("/")
    return replace(Address(root.scheme, f"{root.path}/{below}" if below else root.path), **_properties(entry))


def _properties(entry: dict[str, Any]) -> dict[str, Any]:
    size = entry.get("size")
    return {"bytes": -1 if size is None else int(size), "changed_ns": _changed_ns(entry)}


def _changed_ns(entry: dict[str, Any]) -> int:
    when = next((entry[name] for name in _TIMES if entry.get(name)), 0)
    if isinstance(when, str):
        when = datetime.fromisoformat(when)
    nanoseconds = round((when.timestamp() if isinstance(when, datetime) else when) * 1e9)
    tag = next((str(entry[name]) for name in _TAGS if entry.get(name)), None)
    if tag is None:
        return nanoseconds
    return nanoseconds // 10**9 * 10**9 + int.from_bytes(sha256(tag.encode()).digest()[:8]) % 10**9


@contextmanager
def _plainly(address: Address, kind: type[VidtrackError], done: str) -> Iterator[None]:
    """Turn what a store raises into a line about `address`, which could not be `done`."""
    try:
        yield
    except VidtrackError:
        raise
    except FileNotFoundError as error:
        raise kind(f"{address} cannot be {done}: {_reason(error)}", "check the bucket and the name") from None
    except PermissionError as error:
        raise kind(f"{address} cannot be {done}: {_reason(error)}", "check the credentials and their rights") from None
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise ResourceError(
                f"{address} does not fit on this disk", "set TMPDIR to a folder with more space"
            ) from None
        raise kind(f"{address} cannot be {done}: {_reason(error)}") from None
    except Exception as error:  # every store raises its own errors
        lacks = "credential" in f"{type(error).__name__} {error}".lower()
        hint = "set them as the store's own tools read them, such as AWS_ACCESS_KEY_ID" if lacks else ""
        raise kind(f"{address} cannot be {done}: {_reason(error)}", hint) from None


def _reason(error: Exception) -> str:
    said = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
    return (said.splitlines() or [type(error).__name__])[0][:_LONGEST_REASON]
