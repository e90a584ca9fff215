"""The lines of a log file as JSON values, within limits on what a file may make of memory."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from vidtrack.core.errors import LogError
from vidtrack.tracklog.header import Header
from vidtrack.tracklog.records import Footer
from vidtrack.tracklog.schema import SUFFIXES, faults_of, parse_header
from vidtrack.video.image_sequence import VIDEO_SUFFIXES

LONGEST_LINE = 1 << 26  # characters; a frame of 100 objects takes 10 thousand
MOST_VALUES = 1 << 20  # in a line: lists, objects and commas; a frame of 100 objects has 1,400
LEAST_UNPACKED = 1 << 28  # characters that any log may unpack to
MOST_UNPACKED = 200  # times its bytes that a large log may unpack to; real ones reach about ten
_PIECE = 1 << 16  # characters of an array read at a time
_LONGEST_LITERAL = 8  # characters that the cut-off start of `-1.5`, `false` and the like may have
_CUT_OFF = "cut off"  # stands for a line that a broken end of compression hides; not JSON
_SUSPECT = "is it a track log?"
_DECODER = json.JSONDecoder()
_SEPARATORS = tuple(" \t\r\n,")  # between the members of an array


def read_values(path: Path) -> Iterator[tuple[int, Any]]:
    """(line number, JSON value) of each line, or of each member if the file is one array.

    The value is None for a line that is cut off at the end of the file. Raises LogError if the file is missing, empty
    or damaged before its end.
    """
    return LogLines(path).values()


def read_ends(path: Path) -> tuple[Header, Footer | None]:
    """Header and footer of a log, without keeping what lies between; the footer is None if there is none.

    Raises LogError as `TrackLog.load` does.
    """
    first = last = None
    for _, line in LogLines(path).lines():
        text = line.strip().removesuffix(",")
        if text not in ("", "[", "]"):
            first, last = first or text, text
    header, footer = _json_or_none(first), _json_or_none(last)
    if not isinstance(header, dict) and LogLines(path).is_array():  # in another layout than ours
        for number, value in read_values(path):
            header = value if number == 1 else header
            footer = value
    if header is None:
        raise headless(path, first is None)
    ended = isinstance(footer, dict) and footer.get("type") == "footer" and not any(faults_of("footer", footer))
    return parse_header(header, path), Footer.from_dict(footer) if ended else None


def headless(path: Path, is_empty: bool) -> LogError:
    """The error for a file that ends before its header does."""
    if is_empty:
        return LogError(f"{path} is empty", _SUSPECT)
    return LogError(f"{path} is not a track log, or is cut off within its header")


class LogLines:
    """Reads one file line by line; raises LogError for what no log is like."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def values(self) -> Iterator[tuple[int, Any]]:
        """As `read_values`."""
        is_empty = True
        for number, value in self._values():
            if is_empty and value is None:
                raise headless(self.path, False)
            is_empty = False
            yield number, value
        if is_empty:
            raise headless(self.path, True)

    def lines(self) -> Iterator[tuple[int, str]]:
        """(line number, text) of each line."""
        number = 0
        try:
            for number, line in enumerate(self._pieces(lambda stream: stream.readline(LONGEST_LINE)), 1):
                if len(line) == LONGEST_LINE:
                    raise LogError(f"line {number} of {self.path} is too long", _SUSPECT)
                yield number, line
        except (EOFError, zlib.error):
            yield number + 1, _CUT_OFF

    def _pieces(self, read: Callable[[TextIO], str]) -> Iterator[str]:
        characters = 0
        try:
            with self._open() as stream:
                most = self._most_characters()
                while piece := read(stream):
                    characters += len(piece)
                    if characters > most:
                        raise LogError(f"{self.path} unpacks to more than {MOST_UNPACKED} times its size", _SUSPECT)
                    yield piece
        except OSError as error:
            raise LogError(f"{self.path} cannot be read: {error.strerror or error}", "check the name") from None

    def _values(self) -> Iterator[tuple[int, Any]]:
        if self.is_array():
            yield from self._members()
            return
        broken: tuple[int, str] | None = None
        for number, line in self.lines():
            if broken is not None:
                raise LogError(f"line {broken[0]} of {self.path} is not JSON: {broken[1][:40]!r}", "is it damaged?")
            text = line.strip()
            if not text:
                continue
            self._refuse_crowd(text, f"line {number}")
            value = _json_or_none(text)
            if value is None:
                broken = (number, text)  # forgiven at the end of the file: there the log was cut off
            else:
                yield number, value
        if broken is not None:
            yield broken[0], None

    def is_array(self) -> bool:
        """Whether the file holds one array rather than a value per line."""
        return _next_nonblank(self._whole_pieces()).startswith("[")

    def _members(self) -> Iterator[tuple[int, Any]]:
        """(number, value) of each member of an array, however it is laid out; read as far as needed."""
        pieces = self._whole_pieces()
        text, at, number = _next_nonblank(pieces)[1:], 0, 1
        while True:
            while text[at : at + 1] in _SEPARATORS:
                at += 1
            try:
                value, at = _DECODER.raw_decode(text, at)
            except (ValueError, RecursionError) as error:
                if text.startswith("]", at):
                    return
                self._refuse_crowd(text[at:], f"member {number}")
                more = self._more(pieces, max(_PIECE, len(text) - at)) if len(text) - at < LONGEST_LINE else ""
                if more:
                    text, at = text[at:] + more, 0
                    continue
                if not _is_cut_off(text[at:], error, at):
                    shown = text[at : at + 40]
                    raise LogError(f"member {number} of {self.path} is not JSON: {shown!r}", "is it damaged?") from None
                yield number, None
                return
            if value is None:
                raise LogError(f"member {number} of {self.path} is null", "is it damaged?")
            yield number, value
            number += 1

    def _whole_pieces(self) -> Iterator[str]:
        """Text in pieces of up to a line; a broken end of compression ends it."""
        with contextlib.suppress(EOFError, zlib.error):
            yield from self._pieces(lambda stream: stream.readline(_PIECE))

    def _more(self, pieces: Iterator[str], characters: int) -> str:
        """At least so many more characters, fewer at the end."""
        taken: list[str] = []
        while characters > 0 and (piece := next(pieces, "")):
            taken.append(piece)
            characters -= len(piece)
        return "".join(taken)

    def _refuse_crowd(self, text: str, name: str) -> None:
        """Raise LogError if a line holds so many values that they would fill the memory."""
        if len(text) > MOST_VALUES and sum(map(text.count, ",[{")) > MOST_VALUES:
            raise LogError(f"{name} of {self.path} holds more than {MOST_VALUES} values", _SUSPECT)

    def _refuse_video(self) -> None:
        if self.path.suffix.lower() not in VIDEO_SUFFIXES:
            return
        stem = self.path.stem.removesuffix(".tracked")
        logs = [self.path.with_name(f"{stem}.tracks{suffix}") for suffix in SUFFIXES]
        log = next((log for log in logs if log.is_file()), None)
        hint = f"vidtrack detect {self.path} makes its log" if log is None else f"its log is {log}"
        raise LogError(f"{self.path} is a video, not a track log", hint)

    def _open(self) -> TextIO:
        mode = os.stat(self.path).st_mode
        self._refuse_video()
        if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode):
            raise LogError(f"{self.path} is not a regular file", "save the log to a file first")
        if self.path.name.lower().endswith(".gz"):
            return gzip.open(self.path, "rt", encoding="utf-8", errors="replace")
        return self.path.open(encoding="utf-8", errors="replace")

    def _most_characters(self) -> int:
        return max(LEAST_UNPACKED, MOST_UNPACKED * self.path.stat().st_size)


def _next_nonblank(pieces: Iterator[str]) -> str:
    return next((text for piece in pieces if (text := piece.lstrip())), "")


def _is_cut_off(rest: str, error: Exception, start: int) -> bool:
    """Whether an array ends in the middle of a member, which `rest` is, rather than being damaged there."""
    if not isinstance(error, json.JSONDecodeError) or rest.rstrip().endswith("\n]"):
        return False
    return "Unterminated string" in error.msg or error.pos - start >= len(rest.rstrip()) - _LONGEST_LITERAL


def _json_or_none(text: str | None) -> Any:
    try:
        return json.loads(text or "null")
    except (ValueError, RecursionError):
        return None
