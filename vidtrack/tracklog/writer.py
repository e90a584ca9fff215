"""Writes a track log frame by frame."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from vidtrack.core.atomic_files import AtomicFile
from vidtrack.core.errors import OutputError, UsageError
from vidtrack.core.journal import Journal
from vidtrack.core.status import Status
from vidtrack.core.types import FrameTracks
from vidtrack.tracklog.header import Header
from vidtrack.tracklog.records import NO_EXTRA, NO_FIGURES, Event, Extra, Footer, RunFigures
from vidtrack.tracklog.schema import SUFFIXES, entries_of, is_log_path
from vidtrack.tracklog.summary import Summaries

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_ODD = "backslashreplace"  # bytes of a file name that are not UTF-8 become JSON escapes
_FLUSH_EVERY = 64  # lines between flushes of a compressed log; a flush costs compression


class LogWriter:
    """Write a track log as frames finish, in memory that grows with the number of tracks only.

    A path is written as `NAME.partial` and renamed by `close`; `.gz` compresses and `.json` makes one array of the
    same objects. A text stream is written as JSON lines and left open. With a `journal`, every line is appended to it
    too; lines that it already holds are written first, and their header replaces `header`.

    Raises UsageError for an unknown extension and OutputError if the log cannot be written.
    """

    def __init__(
        self, target: str | Path | AtomicFile | TextIO, header: Header, journal: Journal | None = None
    ) -> None:
        self.path: Path | None = None
        self.frames = 0
        self.events = 0
        self._summaries = Summaries()
        self._journal = journal
        self._lines = 0
        self._array = False
        self._flush_every = 1
        self._closed = False
        self._name = "the output stream"
        if isinstance(target, str | Path | AtomicFile):
            self.path = target.path if isinstance(target, AtomicFile) else Path(target)
            self._name = str(self.path)
            self._stream = self._open(target)
        else:
            self._stream = target
        try:
            self._replay()
            if self._lines == 0:
                self._write(header.to_dict())
        except BaseException:
            self.discard()
            raise

    @property
    def tracks(self) -> int:
        """Number of tracks so far."""
        return len(self._summaries)

    def frame(self, tracks: FrameTracks) -> None:
        """Write one frame, even if it is empty; frames come in order of time."""
        entries = entries_of(tracks)
        self._summaries.add(tracks.index, tracks.pts, entries)
        seconds = round(float(tracks.seconds), 6)
        self._write({"type": "frame", "i": tracks.index, "pts": tracks.pts, "t": seconds, "objs": entries})
        self.frames += 1

    def event(self, event: Event) -> None:
        """Write an event that happened at or before the next frame."""
        self._write(event.to_dict())
        self.events += 1

    def close(
        self, status: Status = Status.COMPLETE, figures: RunFigures = NO_FIGURES, extra: Extra = NO_EXTRA
    ) -> None:
        """Write track summaries and the footer, and rename the file; safe to call twice."""
        if self._closed:
            return
        for summary in self._summaries.records():
            self._write(summary.to_dict())
        self._write(Footer(status, self.frames, self.tracks, figures, extra).to_dict())
        self._closed = True
        try:
            if self.path is None:
                self._stream.flush()
            else:
                self._stream.write("\n]\n" if self._array else "")
                self._stream.close()
                self._file.commit()
        except OSError as error:
            self.discard()
            raise self._failure(error) from error

    def __enter__(self) -> LogWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """After an error, keep what was done and mark it; without a frame, keep nothing."""
        if error is None or self._closed:
            self.close()
        elif self.frames == 0:
            self.discard()
        else:
            with contextlib.suppress(OutputError):  # the first of two errors counts
                if isinstance(error, KeyboardInterrupt):
                    self.close(Status.INTERRUPTED)
                else:
                    self.event(Event("failure", str(error)))
                    self.close(Status.FAILED)
            if not self._closed and self.path is not None:  # a full disk: what is written may still be read
                self._close_stream()
                self._file.leave()

    def discard(self) -> None:
        """Stop without a result and leave nothing behind."""
        self._closed = True
        if self.path is not None:
            self._close_stream()
            self._file.discard()

    def _close_stream(self) -> None:
        with contextlib.suppress(OSError):  # a full disk takes no more
            self._stream.close()

    def _open(self, target: str | Path | AtomicFile) -> TextIO:
        path = target.path if isinstance(target, AtomicFile) else Path(target)
        if not is_log_path(path):
            raise UsageError(f"{path.name} has no track log extension", f"use one of {', '.join(SUFFIXES)}")
        self._file = target if isinstance(target, AtomicFile) else AtomicFile(path)
        partial = self._file.partial
        self._array = path.name.lower().removesuffix(".gz").endswith(".json")
        try:
            if path.name.lower().endswith(".gz"):
                self._flush_every = _FLUSH_EVERY
                packed = gzip.GzipFile(partial, "wb", mtime=0)  # no date: same lines, same bytes
                return io.TextIOWrapper(packed, encoding="utf-8", errors=_ODD, newline="\n")
            return partial.open("w", encoding="utf-8", errors=_ODD, newline="\n")
        except OSError as error:
            self._file.discard()
            raise self._failure(error) from error

    def _replay(self) -> None:
        """Write the lines of the journal."""
        if self._journal is None:
            return
        with self._journal.reread() as stream:
            for line in stream:
                text = line.decode("utf-8").rstrip("\n")
                self._write_text(text)
                value = json.loads(text)
                if value["type"] == "frame":
                    self._summaries.add(value["i"], value["pts"], value["objs"])
                    self.frames += 1
                self.events += value["type"] == "event"

    def _write(self, value: Mapping[str, Any]) -> None:
        text = _ENCODER.encode(value)
        if self._journal is not None:
            self._journal.append(text.encode("utf-8", _ODD), b"\n")
        self._write_text(text)

    def _write_text(self, text: str) -> None:
        start = ("[\n" if self._lines == 0 else ",\n") if self._array else ""
        end = "" if self._array else "\n"
        try:
            self._stream.write(f"{start}{text}{end}")
            self._lines += 1
            if self._lines % self._flush_every == 0:
                self._stream.flush()
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> OutputError:
        if isinstance(error, BrokenPipeError):
            return OutputError(f"{self._name} was closed by its reader")
        return OutputError(f"{self._name} cannot be written: {error.strerror or error}", "check disk and permissions")
