"""Downloading one file: resumed, verified, atomic, and clear about what went wrong."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

from vidtrack.core.errors import OutputError, WeightsError

Progress = Callable[[int, int | None], None]  # bytes so far, total bytes if known

ATTEMPTS = 3
BLOCK_BYTES = 1 << 20
TIMEOUT_SECONDS = 30.0


class RemoteMissingError(WeightsError):
    """The server has no such file."""


@dataclass(frozen=True)
class Remote:
    """What a server says about a file before it is fetched."""

    sha256: str | None
    total_bytes: int | None


def download(url: str, path: Path, sha256: str | None = None, progress: Progress | None = None) -> Path:
    """Fetch `url` to `path`, continuing an interrupted download.

    The file appears under its name only when whole and verified: against `sha256`, or else the hash in the hub's
    X-Linked-Etag header. The hash is noted beside it as `NAME.sha256`. Raises RemoteMissingError
    for a 404, WeightsError for all else that the other side does, OutputError if the disk refuses.
    """
    by_hand = f"to do it by hand, save {url} as {path}"
    try:
        remote = _ask(url)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        resumed = partial.exists()
        _fetch(url, partial, remote.total_bytes, progress)
        expected = sha256 or remote.sha256
        actual = file_sha256(partial)
        if expected is not None and actual != expected and resumed:  # the old part may be of another version
            partial.unlink()
            _fetch(url, partial, remote.total_bytes, progress)
            actual = file_sha256(partial)
        if expected is not None and actual != expected:
            partial.unlink()
            raise WeightsError(f"{url} came with sha256 {actual}, not {expected}; it was not kept", "try again later")
        path.with_name(path.name + ".sha256").write_text(actual + "\n", encoding="ascii")
        os.replace(partial, path)
    except urllib.error.HTTPError as error:
        error.close()
        kind = RemoteMissingError if error.code == 404 else WeightsError
        raise kind(f"cannot download {url}: HTTP {error.code} {error.reason}", by_hand) from None
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
        reason = getattr(error, "reason", None) or error
        raise WeightsError(f"cannot download {url}: {reason}", f"offline? {by_hand}") from None
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}", "set VIDTRACK_CACHE to another folder") from None
    return path


def file_sha256(path: Path) -> str:
    """Hash of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Stops at the first answer: the hub sends its hash with the redirect, not with the file."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _ask(url: str) -> Remote:
    request = urllib.request.Request(url, method="HEAD")
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT_SECONDS) as answer:
            return _remote(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            if 300 <= error.code < 400:
                return _remote(error.headers, redirected=True)
            raise


def _remote(headers: Message, redirected: bool = False) -> Remote:
    etag = (headers.get("X-Linked-Etag") or "").strip('"')
    size = headers.get("X-Linked-Size") or (None if redirected else headers.get("Content-Length"))
    return Remote(
        etag.lower() if re.fullmatch(r"[0-9a-fA-F]{64}", etag) else None, int(size) if size and size.isdigit() else None
    )


def _fetch(url: str, partial: Path, total_bytes: int | None, progress: Progress | None) -> None:
    """Fill `partial`, resuming after each cut; gives up when an attempt brings nothing new, ATTEMPTS times."""
    failures = 0
    while True:
        before = partial.stat().st_size if partial.exists() and total_bytes is not None else 0
        try:
            _continue(url, partial, before, total_bytes, progress)
            return
        except (http.client.IncompleteRead, ConnectionError, TimeoutError):
            gained = partial.exists() and partial.stat().st_size > before
            failures = 0 if gained else failures + 1
            if failures >= ATTEMPTS:
                raise


def _continue(url: str, partial: Path, offset: int, total_bytes: int | None, progress: Progress | None) -> None:
    if total_bytes is not None and offset >= total_bytes:
        return
    headers = {"Range": f"bytes={offset}-"} if offset else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_SECONDS) as answer:
        if answer.status != 206:  # the server sends the whole again
            offset = 0
        with partial.open("r+b" if offset else "wb") as file:
            file.seek(offset)
            file.truncate()
            done = offset
            while block := answer.read(BLOCK_BYTES):
                file.write(block)
                done += len(block)
                if progress is not None:
                    progress(done, total_bytes)
    if total_bytes is not None and done < total_bytes:  # a cut that closed the connection in good order
        raise http.client.IncompleteRead(b"", total_bytes - done)
