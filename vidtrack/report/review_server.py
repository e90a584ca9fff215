"""Serves the page of a review on this machine only, to whoever has its token."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from vidtrack.core.errors import OutputError, VidtrackError
from vidtrack.report.review_session import CLIP, ReviewSession

HOST = "127.0.0.1"
_MOST_BYTES = 1 << 20  # of a command: a merge of some 100,000 tracks
_PIECE = 1 << 18  # bytes of the clip sent at once
_PATIENCE = 30.0  # seconds for a browser that says nothing
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


class ReviewServer(ThreadingHTTPServer):
    """Listens on the loopback address; `address` holds the token without which nothing is answered."""

    daemon_threads = True
    allow_reuse_address = False

    def __init__(self, session: ReviewSession, port: int = 0) -> None:
        self.session, self.token = session, secrets.token_urlsafe(24)
        self._once: str | None = None
        try:
            super().__init__((HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            raise OutputError(f"cannot listen on port {port}: {getattr(error, 'strerror', None) or error}") from None
        self.hosts = {f"{HOST}:{self.server_port}", f"localhost:{self.server_port}"}
        self.address = f"http://{HOST}:{self.server_port}/{self.token}/"

    def address_for_once(self) -> str:
        """An address that leads to `address` a single time: other users see the arguments of a browser's process."""
        self._once = secrets.token_urlsafe(24)
        return f"http://{HOST}:{self.server_port}/{self._once}"

    def takes(self, path: str) -> bool:
        """Whether this is the path that works once; from now on it does not."""
        known = f"/{self._once}".encode() if self._once else b""
        valid = bool(known) and secrets.compare_digest(path.encode("utf-8", "replace"), known)
        self._once = None if valid else self._once
        return valid

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a browser that closes the connection during a response."""


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "vidtrack", ""
    timeout = _PATIENCE

    def do_GET(self) -> None:
        if self.headers.get("Host") in self.server.hosts and self.server.takes(self.path):
            self._headers(HTTPStatus.SEE_OTHER, "text/plain", 0, {"Location": f"/{self.server.token}/"})
            return
        with self._checked() as name:
            if name == "":
                self._send(HTTPStatus.OK, "text/html; charset=utf-8", self._page())
            elif name == CLIP:
                self._send_clip()
            elif name is not None:
                self._refuse(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        with self._checked() as name:
            if name is None:
                return
            origin, kind = self.headers.get("Origin"), self.headers.get("Content-Type", "")
            length = self.headers.get("Content-Length", "")
            if name != "edit" or kind != "application/json" or "Transfer-Encoding" in self.headers:
                self._refuse(HTTPStatus.NOT_FOUND)
            elif origin is not None and origin.removeprefix("http://") not in self.server.hosts:
                self._refuse(HTTPStatus.FORBIDDEN)
            elif not re.fullmatch(r"\d{1,8}", length) or int(length) > _MOST_BYTES:
                self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            else:
                self._send(HTTPStatus.OK, "application/json", json.dumps(self._carry_out(int(length))).encode())

    @contextmanager
    def _checked(self) -> Iterator[str | None]:
        """The name asked for below the token; None, and an answer, if the request is not for this server and token."""
        _, _, rest = self.path.partition("/")
        token, slash, name = rest.partition("/")
        known = secrets.compare_digest(token.encode("utf-8", "replace"), self.server.token.encode())
        if not (known and slash and self.headers.get("Host") in self.server.hosts):
            self._refuse(HTTPStatus.NOT_FOUND)
            name = None  # type: ignore[assignment]
        with contextlib.suppress(ConnectionError, TimeoutError):
            yield name

    def _page(self) -> bytes:
        return self.server.session.page().encode("utf-8", "xmlcharrefreplace")

    def _carry_out(self, length: int) -> dict[str, str]:
        try:
            command = json.loads(self.rfile.read(length))
        except (ValueError, RecursionError):
            return {"error": "the command is not JSON"}
        if not isinstance(command, dict):
            return {"error": "the command is not an object"}
        try:
            self.server.session.run(command)
        except VidtrackError as error:
            return {"error": str(error)}
        return {}

    def _send_clip(self) -> None:
        """The clip, or the part of it that the browser asks for (RFC 9110, range requests)."""
        clip = self.server.session.clip
        try:
            file = clip.path.open("rb")
        except OSError:
            return self._refuse(HTTPStatus.NOT_FOUND)
        with file:
            size = os.fstat(file.fileno()).st_size
            bounds = _bounds(self.headers.get("Range"), size)
            if bounds is None:
                extra = {"Content-Range": f"bytes */{size}"}
                self._headers(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "text/plain", 0, extra)
                return
            start, end = bounds
            part = "Range" in self.headers
            extra = {"Accept-Ranges": "bytes"} | ({"Content-Range": f"bytes {start}-{end - 1}/{size}"} if part else {})
            self._headers(HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK, clip.type, end - start, extra)
            file.seek(start)
            left = end - start
            while left > 0 and (piece := file.read(min(_PIECE, left))):
                self.wfile.write(piece)
                left -= len(piece)

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True
        self._send(status, "text/plain; charset=utf-8", status.phrase.encode())

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError):
            self._headers(status, kind, len(body), {})
            self.wfile.write(body)

    def _headers(self, status: HTTPStatus, kind: str, length: int, extra: dict[str, str]) -> None:
        self.send_response(status)
        fixed = {
            "Content-Type": kind,
            "Content-Length": str(length),
            "Cache-Control": "no-store",
            "Content-Security-Policy": "frame-ancestors 'none'",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
        for name, value in {**fixed, **extra}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing: the terminal is for the person who reviews."""


def _bounds(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; all without a range, None for one outside the file."""
    if header is None:
        return 0, size
    match = _RANGE.fullmatch(header.strip())
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        start, end = max(0, size - int(match[2])), size
    else:
        start, end = int(match[1]), min(size, int(match[2]) + 1) if match[2] else size
    return (start, end) if start < end else None
