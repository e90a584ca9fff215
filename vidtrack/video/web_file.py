"""A copy of what comes from the web or a pipe, to be read like any file."""

from __future__ import annotations

import base64
import http.client
import re
import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO
from urllib.parse import unquote_to_bytes, urlsplit, urlunsplit

from vidtrack.core.errors import InputError, OutputError
from vidtrack.video.live_source import without_password

_TIMEOUT_SECONDS = 20.0  # without a byte
_PAUSE_SECONDS = 0.5
_PASSING = (408, 425, 429)  # timeout, too early, too many requests
_PIECE = 1 << 20
_SPARE_BYTES = 1 << 30  # a source that never ends must not fill the disk


class _ChangedError(Exception):
    """The file is another one than that of which the first bytes came."""


def copy_pipe(stream: IO[bytes], target: Path) -> None:
    """Copy a pipe to its end; raises InputError if nothing comes and OutputError if the disk is nearly full."""
    with target.open("wb") as file:
        while piece := stream.read(_PIECE):
            _append(file, piece, "standard input")
    if not target.stat().st_size:
        raise InputError("standard input is empty", "pipe a video in: cat clip.mp4 | vidtrack detect -")


def download(address: str, target: Path, patience_seconds: float = 30.0) -> None:
    """Copy a file from the web; a broken transfer continues where it stopped, for up to `patience_seconds` in a row.

    Raises InputError, and OutputError if the disk is nearly full.
    """
    name, heard, longest = without_password(address), time.monotonic(), 0
    version: str | None = None
    with target.open("wb") as file:
        while True:
            try:
                with _open(address, file.tell(), version) as answer:
                    if not _continues(answer, file.tell(), version):
                        raise _ChangedError
                    version = _version(answer)
                    if _copy(answer, file, name):
                        return
                why = "the transfer broke off"
            except _ChangedError:
                _start_over(file)
                why = "it changed during the transfer"
            except urllib.error.HTTPError as error:
                error.close()
                reason = str(error.reason).partition("\n")[0]  # of a redirect in a circle, several lines
                why = f"HTTP {error.code} {reason}"
                if error.code == 416 and file.tell():  # it is shorter by now
                    _start_over(file)
                elif error.code < 500 and error.code not in _PASSING:
                    hint = "it wants a user and a password" if error.code in (401, 403) else "check the address"
                    raise InputError(f"{name} cannot be read: {why}", hint) from None
            except (OSError, ValueError, http.client.HTTPException) as error:  # URLError is an OSError
                why = str(getattr(error, "reason", error))
            if file.tell() > longest:
                heard, longest = time.monotonic(), file.tell()
            if time.monotonic() - heard + _PAUSE_SECONDS > patience_seconds:
                raise InputError(f"{name} cannot be read: {why}", "check the address and the connection")
            time.sleep(_PAUSE_SECONDS)


def _open(address: str, start: int, version: str | None) -> http.client.HTTPResponse:
    """Ask for the rest of a file from byte `start` on, if it is still this version, and else for all of it."""
    request = _request(address)
    if start:
        request.add_header("Range", f"bytes={start}-")
        if version is not None and not version.startswith("W/"):  # a weak tag does not tell bytes apart
            request.add_header("If-Range", version)
    answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)
    return answer


def _version(answer: http.client.HTTPResponse) -> str | None:
    return answer.headers.get("ETag") or answer.headers.get("Last-Modified")


def _continues(answer: http.client.HTTPResponse, start: int, version: str | None) -> bool:
    """Whether a partial answer begins at byte `start` of the same version; servers may ignore If-Range."""
    if answer.status != 206:
        return True
    begins = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return _version(answer) == version and (begins is None or int(begins[1]) == start)


def _start_over(file: IO[bytes]) -> None:
    file.seek(0)
    file.truncate()


def _copy(answer: http.client.HTTPResponse, file: IO[bytes], name: str) -> bool:
    """Append what is missing; False if the answer was cut short."""
    if answer.status != 206:
        _start_over(file)
    length = answer.headers.get("Content-Length")
    expected = None if length is None else int(length)
    began = file.tell()
    try:
        while piece := answer.read(_PIECE):
            _append(file, piece, name)
    except http.client.IncompleteRead as error:  # of an answer in chunks, which has no length
        _append(file, error.partial, name)
        return False
    return expected is None or file.tell() - began >= expected


def _request(address: str) -> urllib.request.Request:
    """A request with user and password in a header (RFC 7617), as urllib would read them as part of the host name.

    They are not sent on after a redirect.
    """
    parts = urlsplit(address)
    login, _, host = parts.netloc.rpartition("@")
    request = urllib.request.Request(urlunsplit(parts._replace(netloc=host)))
    if login:
        request.add_unredirected_header(
            "Authorization", f"Basic {base64.b64encode(unquote_to_bytes(login)).decode('ascii')}"
        )
    return request


def _append(file: IO[bytes], piece: bytes, name: str) -> None:
    if shutil.disk_usage(Path(file.name).parent).free < _SPARE_BYTES + len(piece):
        raise OutputError(
            f"{name} is too large for the disk: {file.tell() / 1e9:.1f} GB came and 1 GiB must stay free",
            "free some space, or set TMPDIR to a larger disk",
        )
    file.write(piece)
